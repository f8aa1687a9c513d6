// Rate limits: a token bucket for every (name of the limit, whom it counts).
//
// In this process only; several `serve` share limits once there is a Redis behind this (the limits
// port). Buckets that are full again are forgotten, so that memory follows the callers of the last
// window. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/environment.hpp"

namespace narralytica::access {

struct Limit {
  std::string name;      // "read"
  int64_t requests = 0;  // in a window
  int64_t window_s = 60;
};

struct LimitState {
  bool allowed = false;
  int64_t remaining = 0;  // requests that may follow at once
  int64_t reset_s = 0;    // until the bucket is full again
  int64_t retry_s = 0;    // until the next request is allowed, when this one was not
};

class Limits {
 public:
  explicit Limits(Clock& clock) : clock_(clock) {}
  // Takes one request of `who` out of the limit's bucket.
  LimitState Take(const Limit& limit, const std::string& who);

 private:
  struct Bucket {
    double tokens = 0;
    int64_t at_ms = 0;
    int64_t full_at_ms = 0;
  };
  void Forget(int64_t now_ms);

  static constexpr size_t kBucketsMax = 100'000;
  Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  int64_t forgot_at_ms_ = 0;
};

}  // namespace narralytica::access
