#include "media/timeline.hpp"

namespace narralytica::media {

Timeline::Timeline(int64_t sample_rate, int64_t gap_ms_max, int64_t position)
    : tolerance_(sample_rate * kToleranceMs / 1'000),
      gap_max_(sample_rate * gap_ms_max / 1'000),
      position_(position) {}

int64_t Timeline::Place(std::optional<int64_t> timestamp, int64_t samples) {
  int64_t silence = 0;
  if (timestamp) {
    const int64_t ahead = *timestamp + shift_ - position_;
    if (ahead > gap_max_ || ahead < -tolerance_) {
      (ahead > 0 ? jumped_forward_ : jumped_backward_) = true;
      shift_ = position_ - *timestamp;
    } else if (ahead > tolerance_) {
      silence = ahead;
    }
  }
  position_ += silence + samples;
  silence_samples_ += silence;
  return silence;
}

}  // namespace narralytica::media
