// Where speech is: frame probabilities -> segments (the rules of Silero's reference,
// utils_vad.py: get_speech_timestamps), found while the audio streams by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.hpp"

namespace narralytica::transcript {

struct SpeechRules {
  float enter_probability = 0.5f;
  float leave_probability = 0.35f;
  int64_t speech_ms_min = 250;
  int64_t silence_ms_min = 100;    // ends a segment
  int64_t pad_ms = 100;            // kept on both sides
  int64_t speech_ms_max = 19'500;  // a longer one is cut where speech is least likely
};

// Not thread-safe. Memory is bounded by speech_ms_max.
class SpeechSegmenter {
 public:
  static constexpr int64_t kFrameMs = 32;

  explicit SpeechSegmenter(SpeechRules rules = {}) : rules_(rules) {}

  // Takes the next frames' probabilities; returns the segments that are now certain, in order,
  // not overlapping (they touch where a long one was cut).
  std::vector<TimeRange> Push(std::span<const float> probabilities);
  // The end of the recording at `end_ms`: the last segments.
  std::vector<TimeRange> Finish(int64_t end_ms);

 private:
  void Close(int64_t end_frame);
  void CutIfLong();
  void Emit(TimeRange raw, std::vector<TimeRange>& segments);

  SpeechRules rules_;
  int64_t frame_ = 0;                 // next frame
  std::optional<int64_t> start_;      // first frame of the open segment
  std::optional<int64_t> silence_;    // first silent frame inside it
  std::vector<float> open_;           // probabilities since start_
  std::vector<TimeRange> raw_;        // closed, before padding
  std::optional<TimeRange> pending_;  // its end is padded once the next one is known
};

}  // namespace narralytica::transcript
