// How many voices a recording has, and what each sounds like.
//
// Voices of windows' tracks are clustered; then the sliding voices vote: a voice that too little is
// said in goes, two that sound alike are one, one that is two apart is split. The order and the
// figures were found on synthesised recordings (docs/quality.md).
#pragma once

#include <vector>

#include "speakers/heard.hpp"

namespace narralytica::speakers {

struct VoiceCount {
  size_t least = 1;
  size_t most = 100;
};

// The mean voice of each speaker; none where nobody is heard. Deterministic.
std::vector<Voice> FindVoices(const Heard& heard, const VoiceCount& count);

}  // namespace narralytica::speakers
