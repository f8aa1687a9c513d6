#include "speakers/turns.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <random>

#include "speakers/voice_pooling.hpp"
#include "speakers/voices.hpp"

namespace narralytica::speakers {
namespace {

// Who speaks at a time, as a set of bits.
using Script = std::function<unsigned(double seconds)>;

Voice VoiceOf(size_t speaker, std::mt19937& random, float spread) {
  std::normal_distribution<float> normal;
  Voice voice{};
  voice[speaker] = 1;
  for (float& value : voice) value += spread * normal(random);
  Normalise(voice);
  return voice;
}

unsigned At(const Script& script, int64_t frame) {
  return script((double(frame) + 1.5) * kFrameSeconds);
}

// What a perfect hearing of the script would be: tracks are speakers in order of number.
Heard Hear(int64_t seconds, const Script& script, unsigned seed = 1) {
  std::mt19937 random(seed);
  Heard heard(seconds * kSampleRate);
  const Grid& grid = heard.grid();
  for (int64_t c = 0; c < grid.chunks(); ++c) {
    const ChunkPlan plan(grid, c);
    VoiceChunk chunk;
    chunk.activity = heard.Carried();
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
    heard.Append(chunk);
  }
  return heard;
}

unsigned Alternating(double seconds) {
  if (int(seconds) % 10 >= 8) return 0;  // a pause of two seconds
  return 1U << (int(seconds / 10) % 3);
}

TEST(Voices, AreCountedAndOrderedByWhoSpeaksFirst) {
  const Heard heard = Hear(400, Alternating);  // three chunks
  const auto voices = FindVoices(heard, {});
  ASSERT_EQ(voices.size(), 3U);
  const auto turns = MakeTurns(heard, voices);
  ASSERT_EQ(turns.size(), 40U);
  std::array<size_t, 3> named{};
  for (size_t i = 0; i < turns.size(); ++i) {
    EXPECT_NEAR(double(turns[i].range.start_ms), double(i) * 10'000, 60) << i;
    EXPECT_NEAR(double(turns[i].range.end_ms), double(i) * 10'000 + 8'000, 60) << i;
    EXPECT_GT(turns[i].confidence, 0.95) << i;
    if (i < 3) named[i] = turns[i].speaker;
    EXPECT_EQ(turns[i].speaker, named[i % 3]) << i;
  }
}

TEST(Voices, BoundsAreKept) {
  const Heard heard = Hear(120, Alternating);
  EXPECT_EQ(FindVoices(heard, {.least = 1, .most = 2}).size(), 2U);
  EXPECT_EQ(FindVoices(heard, {.least = 1, .most = 1}).size(), 1U);
  EXPECT_EQ(FindVoices(heard, {.least = 5, .most = 9}).size(), 5U);
}

TEST(Voices, SilenceHasNone) {
  const Heard heard = Hear(30, [](double) { return 0U; });
  EXPECT_TRUE(FindVoices(heard, {}).empty());
  EXPECT_TRUE(MakeTurns(heard, {}).empty());
}

TEST(Turns, OverlapIsKept) {
  const Heard heard = Hear(60, [](double s) {
    return s < 30 ? (s > 25 ? 3U : 1U) : 2U;  // both, from 25 s to 30 s
  });
  const auto voices = FindVoices(heard, {});
  ASSERT_EQ(voices.size(), 2U);
  const auto turns = MakeTurns(heard, voices);
  ASSERT_EQ(turns.size(), 2U);
  EXPECT_NEAR(double(turns[0].range.end_ms), 30'000, 60);
  EXPECT_NEAR(double(turns[1].range.start_ms), 25'000, 60);
  EXPECT_NE(turns[0].speaker, turns[1].speaker);
}

TEST(Turns, AShortGapIsJoinedUnlessSomebodyElseSpeaksInIt) {
  const Script quiet = [](double s) { return s > 10 && s < 10.8 ? 0U : 1U; };
  const Script answered = [](double s) { return s > 10 && s < 10.8 ? 2U : s > 30 ? 2U : 1U; };
  const Heard one = Hear(40, quiet);
  EXPECT_EQ(MakeTurns(one, FindVoices(one, {})).size(), 1U);
  EXPECT_EQ(MakeTurns(one, FindVoices(one, {}), {.joined_gap_ms = 500}).size(), 2U);
  const Heard two = Hear(40, answered);
  EXPECT_EQ(MakeTurns(two, FindVoices(two, {})).size(), 4U);
}

TEST(Turns, AFlickerIsNoTurn) {
  const Heard heard =
      Hear(40, [](double s) { return s > 20 ? 2U : (s > 10 && s < 10.1 ? 3U : 1U); });
  const auto voices = FindVoices(heard, {});
  EXPECT_EQ(MakeTurns(heard, voices).size(), 2U);
  EXPECT_EQ(MakeTurns(heard, voices, {.turn_ms_min = 0}).size(), 3U);
}

TEST(Rttm, HasALineATurn) {
  EXPECT_EQ(ToRttm("talk", {{1, {500, 2'250}, 1}}, {"a", "b"}),
            "SPEAKER talk 1 0.500 1.750 <NA> <NA> b <NA> <NA>\n");
}

}  // namespace
}  // namespace narralytica::speakers
