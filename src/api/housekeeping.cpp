#include "api/housekeeping.hpp"

#include <condition_variable>
#include <mutex>

#include "access/idempotency.hpp"
#include "access/keys.hpp"

namespace narralytica::api {
namespace {

constexpr std::chrono::seconds kEvery{60};
constexpr int64_t kIdempotencyKeptMs = 48 * 3'600'000;

}  // namespace

Status TidyUp(const HousekeepingParts& parts) {
  const UtcMs now = parts.environment.clock.Now();
  const access::Scope scope{access::DefaultTenant(), "housekeeping", {}};
  NRL_CHECK(access::Write(parts.database, scope, [&](access::Tx& tx) {
    return access::ExpireKeys(tx, UtcMs{now.value - kIdempotencyKeptMs});
  }));
  NRL_CHECK(access::Write(parts.database, scope,
                          [&](access::Tx& tx) { return access::ExpireSessions(tx, now); }));
  NRL_CHECK(access::Write(parts.database, scope,
                          [&](access::Tx& tx) { return parts.uploads.Sweep(tx); }));
  return {};
}

Housekeeping::Housekeeping(HousekeepingParts parts)
    : thread_([parts = std::move(parts)](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
          const Status tidied = TidyUp(parts);
          if (!tidied) parts.log.Error("housekeeping failed", tidied.error());
          wake.wait_for(lock, stop, kEvery, [] { return false; });
        }
      }) {}

}  // namespace narralytica::api
