#include "media/budget.hpp"

#include <ctime>

#include <algorithm>

#include "media/media_error.hpp"

namespace narralytica::media {

int64_t ProcessCpuMs() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000 + time.tv_nsec / 1'000'000;
}

Budget::Budget(const MediaLimits& limits) : limits_(limits), started_cpu_ms_(ProcessCpuMs()) {}

bool Budget::exceeded() const {
  const int64_t earned_ms =
      limits_.cpu_seconds_base * 1'000 + decoded_ms_ * limits_.cpu_seconds_per_hour / 3'600;
  const int64_t allowed_ms = std::min(earned_ms, limits_.cpu_seconds_max * 1'000);
  return ProcessCpuMs() - started_cpu_ms_ > allowed_ms;
}

Status Budget::Check() const {
  if (exceeded()) return FailMedia(MediaReason::kResource, "CPU time budget used up");
  return {};
}

}  // namespace narralytica::media
