#include "media/budget.hpp"

#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <ctime>

#include "media/media_error.hpp"

namespace narralytica::media {
namespace {

// Read by the signal handler.
MediaLimits watched_limits;
std::atomic<int64_t> watched_decoded_ms{0};
static_assert(std::atomic<int64_t>::is_always_lock_free);

int64_t AllowedMs(const MediaLimits& limits, int64_t decoded_ms) {
  const int64_t earned_ms =
      limits.cpu_seconds_base * 1'000 + decoded_ms * limits.cpu_seconds_per_hour / 3'600;
  return std::min(earned_ms, limits.cpu_seconds_max * 1'000);
}

void OnWatch(int) {
  const int64_t allowed_ms = AllowedMs(watched_limits, watched_decoded_ms.load());
  if (ProcessCpuMs() > allowed_ms + kWatchGraceSeconds * 1'000) raise(SIGXCPU);
}

}  // namespace

int64_t ProcessCpuMs() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000 + time.tv_nsec / 1'000'000;
}

Budget::Budget(const MediaLimits& limits) : limits_(limits), started_cpu_ms_(ProcessCpuMs()) {}

void Budget::SetDecoded(int64_t decoded_ms) {
  decoded_ms_ = decoded_ms;
  watched_decoded_ms = decoded_ms;
}

bool Budget::exceeded() const {
  return ProcessCpuMs() - started_cpu_ms_ > AllowedMs(limits_, decoded_ms_);
}

Status Budget::Check() const {
  if (exceeded()) return FailMedia(MediaReason::kResource, "CPU time budget used up");
  return {};
}

void WatchBudget(const MediaLimits& limits) {
  watched_limits = limits;
  struct sigaction action{};
  action.sa_handler = OnWatch;
  action.sa_flags = SA_RESTART;
  sigaction(SIGPROF, &action, nullptr);
  const itimerval every_second{{1, 0}, {1, 0}};
  setitimer(ITIMER_PROF, &every_second, nullptr);
}

}  // namespace narralytica::media
