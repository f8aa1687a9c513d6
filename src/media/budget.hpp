// The CPU time a recording has earned: a base for opening it, more for every hour it has decoded
// to. Ends inputs that burn time without giving sound, long before the kernel's limit does.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "media/media_limits.hpp"

namespace narralytica::media {

class Budget {
 public:
  explicit Budget(const MediaLimits& limits);
  void SetDecoded(int64_t decoded_ms);
  bool exceeded() const;
  // kLimited media_resource once it is exceeded.
  Status Check() const;

 private:
  const MediaLimits limits_;
  int64_t started_cpu_ms_;
  int64_t decoded_ms_ = 0;
};

// For code that computes without ever asking: from now on a timer looks every second of CPU time,
// and ends the process by SIGXCPU when it is more than kWatchGraceSeconds beyond what its decoded
// sound (the last SetDecoded) has earned. To be called before the process is confined.
void WatchBudget(const MediaLimits& limits);
inline constexpr int64_t kWatchGraceSeconds = 1;

// CPU time of this process so far.
int64_t ProcessCpuMs();

}  // namespace narralytica::media
