#include "jobs/lease.hpp"

namespace narralytica::jobs {
namespace {

using platform::Rows;
using platform::Statement;

// An epoch is kept when the same holder renews and grows when the holder changes.
// On PostgreSQL the clock is the server's, and so outlives every machine's boot.
constexpr Statement kTake{
    "leases.take",
    "INSERT INTO leases (name, epoch, holder, boot_id, until_boot_ms)"
    " VALUES ($1, 1, $2, $3, $4 + $5)"
    " ON CONFLICT (name) DO UPDATE SET"
    " epoch = leases.epoch + CASE WHEN leases.holder = $2 THEN 0 ELSE 1 END,"
    " holder = $2, boot_id = $3, until_boot_ms = $4 + $5"
    " WHERE leases.holder = $2 OR leases.boot_id <> $3 OR leases.until_boot_ms < $4"
    " RETURNING epoch",
    "INSERT INTO leases (name, epoch, holder, boot_id, until_boot_ms)"
    " VALUES ($1, 1, $2, $3, lease_clock_ms() + $5)"
    " ON CONFLICT (name) DO UPDATE SET"
    " epoch = leases.epoch + CASE WHEN leases.holder = $2 THEN 0 ELSE 1 END,"
    " holder = $2, boot_id = $3, until_boot_ms = lease_clock_ms() + $5"
    " WHERE leases.holder = $2 OR leases.until_boot_ms < lease_clock_ms()"
    " RETURNING epoch"};
constexpr Statement kDrop{"leases.drop",
                          "UPDATE leases SET until_boot_ms = 0 WHERE name = $1 AND holder = $2"};

}  // namespace

Result<std::optional<NamedLease>> TakeLease(platform::Database& database, Environment environment,
                                            const NamedLease& wanted, int64_t duration_ms) {
  return access::Write(database, access::SystemScope(wanted.holder),
                       [&](access::Tx& tx) -> Result<std::optional<NamedLease>> {
                         NRL_TRY(const Rows rows,
                                 tx.Query(kTake, wanted.name, wanted.holder, BootId(),
                                          environment.clock.BootMs(), duration_ms));
                         if (rows.empty()) return std::nullopt;
                         return NamedLease{wanted.name, wanted.holder, rows[0].Int(0)};
                       });
}

Status DropLease(platform::Database& database, const NamedLease& lease) {
  return access::Write(database, access::SystemScope(lease.holder), [&](access::Tx& tx) -> Status {
    NRL_CHECK(tx.Execute(kDrop, lease.name, lease.holder));
    return {};
  });
}

}  // namespace narralytica::jobs
