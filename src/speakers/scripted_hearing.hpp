// For tests: what a perfect hearing of a script would be, in place of models and sound.
#pragma once

#include <bit>
#include <functional>
#include <random>

#include "speakers/heard.hpp"
#include "speakers/voice_pooling.hpp"

namespace narralytica::speakers {

// Who speaks at a time, as a set of bits.
using Script = std::function<unsigned(double seconds)>;

inline Voice VoiceOf(size_t speaker, std::mt19937& random, float spread) {
  std::normal_distribution<float> normal;
  Voice voice{};
  voice[speaker] = 1;
  for (float& value : voice) value += spread * normal(random);
  Normalise(voice);
  return voice;
}

inline unsigned At(const Script& script, int64_t frame) {
  return script((double(frame) + 1.5) * kFrameSeconds);
}

// The chunk of a recording; tracks are speakers in order of number.
inline VoiceChunk HearScript(const Grid& grid, int64_t number, const Activity& carried,
                             const Script& script) {
  std::mt19937 random(static_cast<unsigned>(number) + 1);
  const ChunkPlan plan(grid, number);
  VoiceChunk chunk;
  chunk.activity = carried;
  chunk.activity.speaking.resize(size_t(plan.frame_count()));
  chunk.activity.alone.resize(size_t(plan.frame_count()));
  for (int64_t w = plan.first_window; w < plan.last_window; ++w) {
    std::array<float, kTracks> clean{};
    for (int64_t f = 0; f < kWindowFrames; ++f) {
      const int64_t frame = w * kStepFrames + f;
      const unsigned who = frame < grid.frames() ? At(script, frame) : 0;
      const int count = std::popcount(who);
      for (size_t t = 0; t < kTracks; ++t) {
        const bool active = (who >> t & 1) != 0;
        chunk.tracks.push_back(active ? 255 : 0);
        if (active && count == 1) clean[t] += float(kFrameSeconds);
      }
      const size_t at = size_t(frame - plan.first_frame());
      chunk.activity.speaking[at] += float(count);
      chunk.activity.alone[at] += count == 1 ? 1.0f : 0.0f;
    }
    auto& window = chunk.windows.emplace_back();
    for (size_t t = 0; t < kTracks; ++t) {
      window[t].clean_s = clean[t];
      if (clean[t] > 0.3f) window[t].voice = VoiceOf(t, random, 0.02f);
    }
  }
  for (int64_t s = plan.first_centre; s < plan.last_centre; ++s) {
    const unsigned who = At(script, FrameOfVoiceFrame(s * kHopVoiceFrames));
    SlidingVoice sliding;
    if (std::popcount(who) == 1) {
      sliding.voice = PackedVoice::Of(VoiceOf(size_t(std::countr_zero(who)), random, 0.03f));
      sliding.weight = 1;
    }
    chunk.sliding.push_back(sliding);
  }
  return chunk;
}

}  // namespace narralytica::speakers
