// Where decoded sound belongs on the playback clock: sample 0 is the instant at which a player
// starts the recording.
//
// A timestamp within kTolerance of the running sample count is jitter and ignored. A later one is a
// gap: silence fills it, so that offsets in the prepared audio equal offsets in the recording. An
// earlier one (a splice, a counter that wrapped) and an implausibly late one are defects: sound is
// appended and later timestamps are read relative to that place.
#pragma once

#include <cstdint>
#include <optional>

namespace narralytica::media {

class Timeline {
 public:
  static constexpr int64_t kToleranceMs = 50;

  static constexpr int64_t kTimestampMax = int64_t{1} << 50;  // samples

  // `sample_rate` in Hz, more than 0. `position` is the place of the first block to come.
  Timeline(int64_t sample_rate, int64_t gap_ms_max, int64_t position = 0);

  // Places a block of `samples` whose timestamp, in samples since the start of playback, is
  // `timestamp` (within +-kTimestampMax); blocks without one follow the last. Returns the samples
  // of silence before it.
  int64_t Place(std::optional<int64_t> timestamp, int64_t samples);

  // Samples so far, silence included: the place of the next block.
  int64_t position() const { return position_; }
  int64_t silence_samples() const { return silence_samples_; }
  bool jumped_forward() const { return jumped_forward_; }
  bool jumped_backward() const { return jumped_backward_; }

 private:
  const int64_t tolerance_;
  const int64_t gap_max_;
  int64_t position_;
  int64_t shift_ = 0;  // added to timestamps since the last defect
  int64_t silence_samples_ = 0;
  bool jumped_forward_ = false;
  bool jumped_backward_ = false;
};

}  // namespace narralytica::media
