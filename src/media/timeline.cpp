#include "media/timeline.hpp"

namespace narralytica::media {

Timeline::Timeline(int64_t sample_rate, int64_t gap_ms_max)
    : tolerance_(sample_rate * kToleranceMs / 1'000), gap_max_(sample_rate * gap_ms_max / 1'000) {}

int64_t Timeline::Place(std::optional<int64_t> timestamp, int64_t samples) {
  int64_t silence = 0;
  if (timestamp) {
    // Differences of hostile timestamps may overflow; unsigned arithmetic wraps instead.
    const auto ahead = static_cast<int64_t>(static_cast<uint64_t>(*timestamp) +
                                            static_cast<uint64_t>(shift_) -
                                            static_cast<uint64_t>(position_));
    if (ahead > gap_max_) {
      jumped_forward_ = true;
    } else if (ahead < -tolerance_) {
      jumped_backward_ = true;
    } else if (ahead > tolerance_) {
      silence = ahead;
    }
    if (ahead > gap_max_ || ahead < -tolerance_) {
      shift_ = static_cast<int64_t>(static_cast<uint64_t>(position_) -
                                    static_cast<uint64_t>(*timestamp));
    }
  }
  position_ += silence + samples;
  silence_samples_ += silence;
  return silence;
}

}  // namespace narralytica::media
