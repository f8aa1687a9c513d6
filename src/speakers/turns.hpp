// Who speaks when: the voices, laid over the recording frame by frame.
//
// A frame has as many speakers as segmentation expects there (rounded), and they are those whose
// voices the sound around it is nearest to; the tracks of segmentation, matched to the voices
// window by window, add a little: they know overlapped speech better, but change places inside a
// window.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "speakers/heard.hpp"

namespace narralytica::speakers {

// One stretch of one speaker; turns of different speakers may overlap.
struct Turn {
  size_t speaker = 0;  // index of the voice
  TimeRange range;
  double confidence = 0;  // 0..1: the share of this voice among all, over the turn
};

struct TurnRules {
  int64_t joined_gap_ms = 1'000;  // between turns of one speaker, while nobody else speaks
  int64_t turn_ms_min = 200;
};

// Ordered by start.
std::vector<Turn> MakeTurns(const Heard& heard, const std::vector<Voice>& voices,
                            const TurnRules& rules = {});

// Rich Transcription Time Marked (NIST, RT-09): one SPEAKER line a turn.
std::string ToRttm(std::string_view recording, const std::vector<Turn>& turns,
                   const std::vector<std::string>& names);

}  // namespace narralytica::speakers
