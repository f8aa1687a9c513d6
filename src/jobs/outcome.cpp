#include "jobs/outcome.hpp"

#include <algorithm>

#include "platform/file.hpp"

namespace narralytica::jobs {

Outcome OutcomeOf(const Error& error) {
  if (error.reason == "lease_lost") return Outcome::kLeaseLost;
  if (error.reason == platform::kDiskFull) return Outcome::kWait;
  if (error.reason == "resource") return Outcome::kRetrySmaller;
  switch (error.code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kNotFound:
    case ErrorCode::kDenied:
    case ErrorCode::kLimited:
    case ErrorCode::kCorrupt:
      return Outcome::kDeadLetter;
    case ErrorCode::kCanceled:
      return Outcome::kStopped;
    case ErrorCode::kConflict:
    case ErrorCode::kUnavailable:
    case ErrorCode::kInternal:
      return Outcome::kRetry;
  }
  return Outcome::kRetry;
}

int64_t BackoffMs(int attempt, int64_t base_ms, int64_t cap_ms, Random& random) {
  NRL_ASSERT(attempt >= 1 && base_ms > 0 && cap_ms >= base_ms);
  const int doublings = std::min(attempt - 1, 30);
  const int64_t ceiling_ms = std::min(cap_ms, base_ms << doublings);
  return static_cast<int64_t>(random.Below(static_cast<uint64_t>(ceiling_ms) + 1));
}

}  // namespace narralytica::jobs
