// Named leases: one holder at a time for a thing that is not a job, such as the index writer.
//
// The epoch grows with every new holder; what the holder writes carries it and is refused when a
// later holder has written.
#pragma once

#include <optional>
#include <string>

#include "access/tx.hpp"

namespace narralytica::jobs {

struct NamedLease {
  std::string name;
  std::string holder;
  int64_t epoch = 0;
};

// Takes or renews the lease for `duration_ms`; nullopt while another holder has it.
Result<std::optional<NamedLease>> TakeLease(platform::Database& database, Environment environment,
                                            const NamedLease& wanted, int64_t duration_ms);
// Ends it early; harmless when it is not ours any more.
Status DropLease(platform::Database& database, const NamedLease& lease);

}  // namespace narralytica::jobs
