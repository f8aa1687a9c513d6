#include "speakers/turns.hpp"

#include <gtest/gtest.h>

#include "speakers/scripted_hearing.hpp"
#include "speakers/voices.hpp"

namespace narralytica::speakers {
namespace {

Heard Hear(int64_t seconds, const Script& script) {
  Heard heard(seconds * kSampleRate);
  for (int64_t chunk = 0; chunk < heard.grid().chunks(); ++chunk) {
    heard.Append(HearScript(heard.grid(), chunk, heard.Carried(), script));
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

// Coughs and mixtures: tracks that sound like nothing else, more of them than speakers.
TEST(Voices, WhatIsHeardOnceInALongRecordingIsNobody) {
  Heard heard(1'000 * kSampleRate);
  std::mt19937 random(1);
  size_t alone = kTracks;
  for (int64_t chunk = 0; chunk < heard.grid().chunks(); ++chunk) {
    VoiceChunk heard_chunk = HearScript(heard.grid(), chunk, heard.Carried(), [](double seconds) {
      return int(seconds) % 10 < 3 ? 1U << (int(seconds / 10) % 2) : 0U;
    });
    for (size_t window = 0; window < heard_chunk.windows.size(); window += 4) {
      heard_chunk.windows[window][2] = {VoiceOf(alone++, random, 0.02f), 2.5f};
    }
    heard.Append(heard_chunk);
  }
  EXPECT_GT(alone, 90U);
  EXPECT_EQ(FindVoices(heard, {}).size(), 2U);
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
