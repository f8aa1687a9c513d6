// Speech that the recognised words do not account for.
#pragma once

#include <span>
#include <vector>

#include "base/time.hpp"
#include "transcript/recognizer.hpp"

namespace narralytica::transcript {

// The stretches between (before, after) `words` that hold at least 1.5 s of `speech` for which no
// word stands. A word that lasts much longer than its letters need was stretched over something
// left out: its time is not trusted, and it lies inside the stretch. Both inputs are ordered; so
// is the result.
std::vector<TimeRange> FindMissedSpeech(std::span<const Word> words,
                                        std::span<const TimeRange> speech);

}  // namespace narralytica::transcript
