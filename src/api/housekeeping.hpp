// What the API tidies up by and by: uploads that expired, sessions that are over, idempotency keys
// that nobody repeats any more.
#pragma once

#include <thread>

#include "access/tx.hpp"
#include "platform/log.hpp"
#include "source/uploads.hpp"

namespace narralytica::api {

struct HousekeepingParts {
  platform::Database& database;
  const source::Uploads& uploads;
  Environment environment;
  platform::Logger log;
};

// One round.
Status TidyUp(const HousekeepingParts& parts);

// A round at once and then every minute, until it is destroyed.
class Housekeeping {
 public:
  explicit Housekeeping(HousekeepingParts parts);

 private:
  std::jthread thread_;
};

}  // namespace narralytica::api
