// A point on CLOCK_MONOTONIC by which a blocking call must return, and the stop that may end it
// sooner. Every blocking call in Narralytica takes one.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "base/result.hpp"

namespace narralytica {

class Deadline {
 public:
  static Deadline In(std::chrono::milliseconds duration, std::stop_token stop = {}) {
    return Deadline(std::chrono::steady_clock::now() + duration, std::move(stop));
  }
  // No time limit; only the stop ends it.
  static Deadline Never(std::stop_token stop = {}) {
    return Deadline(std::chrono::steady_clock::time_point::max(), std::move(stop));
  }

  bool expired() const { return std::chrono::steady_clock::now() >= at_; }
  bool stopped() const { return stop_.stop_requested(); }
  const std::stop_token& stop() const { return stop_; }
  std::chrono::steady_clock::time_point at() const { return at_; }
  // Time left, at least 0; capped to `cap` so that a poll loop sees the stop.
  std::chrono::milliseconds Left(std::chrono::milliseconds cap) const {
    const auto now = std::chrono::steady_clock::now();
    if (now >= at_) return std::chrono::milliseconds{0};
    if (at_ - now >= cap) return cap;
    return std::chrono::duration_cast<std::chrono::milliseconds>(at_ - now) +
           std::chrono::milliseconds{1};
  }
  // kCanceled after a stop, kUnavailable "<what> took too long" past the time, else ok.
  Status Check(const char* what) const {
    if (stopped()) return Fail(ErrorCode::kCanceled, std::string(what) + " was stopped");
    if (expired()) {
      return Fail(ErrorCode::kUnavailable, std::string(what) + " took longer than its deadline",
                  "try again, or raise the limit in the configuration");
    }
    return {};
  }

 private:
  Deadline(std::chrono::steady_clock::time_point at, std::stop_token stop)
      : at_(at), stop_(std::move(stop)) {}
  std::chrono::steady_clock::time_point at_;
  std::stop_token stop_;
};

}  // namespace narralytica
