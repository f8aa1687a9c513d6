// Packs speech into recognition windows: contiguous stretches of the recording, about 20 s long,
// cut at pauses.
//
// Windows keep the pauses inside them, so that times stay linear. Their boundaries follow from the
// audio alone: a checkpoint after some windows is a prefix of the whole.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "transcript/recognizer.hpp"

namespace narralytica::transcript {

struct WindowRules {
  int64_t window_ms_max = 20'000;
  int64_t gap_ms_max = 3'000;       // a longer pause always separates
  int64_t window_ms_good = 10'000;  // from here on, a window may end at its best pause
};

// Not thread-safe.
class WindowPacker {
 public:
  explicit WindowPacker(WindowRules rules = {}) : rules_(rules) {}

  // Takes the next speech segments (ordered, each at most window_ms_max); returns the windows that
  // are now certain.
  std::vector<SpeechWindow> Push(const std::vector<TimeRange>& segments);
  // The end of the recording: the last window, if any.
  std::vector<SpeechWindow> Finish();

 private:
  size_t BestSplit() const;
  void Close(size_t count, std::vector<SpeechWindow>& windows);

  WindowRules rules_;
  std::vector<TimeRange> open_;
};

}  // namespace narralytica::transcript
