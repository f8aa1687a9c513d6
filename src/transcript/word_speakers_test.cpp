// Turns over words, and segments that follow the speakers.
#include "transcript/word_speakers.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "transcript/segmenter.hpp"

namespace narralytica::transcript {
namespace {

using testing::ElementsAre;

const SpeakerId kAnn = SpeakerId::FromTrusted("ann");
const SpeakerId kBob = SpeakerId::FromTrusted("bob");

struct Span {
  int64_t start_ms;
  int64_t end_ms;
};

// Who says each word: "ann", "bob" or "-".
std::vector<std::string> Names(const std::vector<WordSpeaker>& speakers) {
  std::vector<std::string> names;
  for (const WordSpeaker& by : speakers) names.push_back(by.speaker ? by.speaker->str() : "-");
  return names;
}

std::vector<WordSpeaker> SpeakersOf(const std::vector<Span>& spans,
                                    const std::vector<SpeakerTurn>& turns,
                                    const WordSpeakerRules& rules = {}) {
  std::vector<Word> words;
  for (const Span& span : spans) words.push_back({span.start_ms, span.end_ms, "word", 1});
  return SpeakersOfWords(words, turns, rules);
}

TEST(WordSpeakers, AWordIsTheirsWhoHaveMostOfIt) {
  const std::vector<SpeakerTurn> turns{{kAnn, {0, 1'000}}, {kBob, {1'000, 2'000}}};
  EXPECT_THAT(Names(SpeakersOf({{0, 500}, {800, 1'100}, {900, 1'200}, {1'300, 1'500}}, turns)),
              ElementsAre("ann", "ann", "bob", "bob"));
}

TEST(WordSpeakers, ATieGoesToTheSpeakerOfTheWordBefore) {
  const std::vector<SpeakerTurn> turns{{kAnn, {0, 1'000}}, {kBob, {1'000, 2'000}}};
  EXPECT_THAT(Names(SpeakersOf({{0, 500}, {900, 1'100}}, turns)), ElementsAre("ann", "ann"));
  // Without a word before, to whose turn began last.
  EXPECT_THAT(Names(SpeakersOf({{900, 1'100}}, turns)), ElementsAre("bob"));
}

TEST(WordSpeakers, WhoIsInterruptedGivesWay) {
  const std::vector<SpeakerTurn> turns{{kAnn, {0, 3'000}}, {kBob, {1'000, 1'400}}};
  const auto speakers = SpeakersOf({{1'000, 1'400}}, turns);
  EXPECT_THAT(Names(speakers), ElementsAre("bob"));
  EXPECT_EQ(speakers[0].overlap_ms, 400);
}

TEST(WordSpeakers, OverlappedSpeechIsMeasuredWordByWord) {
  const std::vector<SpeakerTurn> turns{{kAnn, {0, 2'000}}, {kBob, {1'500, 3'000}}};
  const auto speakers = SpeakersOf({{0, 500}, {1'200, 1'700}, {2'000, 2'400}}, turns);
  EXPECT_THAT(Names(speakers), ElementsAre("ann", "ann", "bob"));
  EXPECT_EQ(speakers[0].overlap_ms, 0);
  EXPECT_EQ(speakers[1].overlap_ms, 200);
  EXPECT_EQ(speakers[2].overlap_ms, 0);
}

TEST(WordSpeakers, AWordOutsideAllTurnsIsOfTheNearestWithinReach) {
  const std::vector<SpeakerTurn> turns{{kAnn, {0, 1'000}}, {kBob, {5'000, 6'000}}};
  EXPECT_THAT(Names(SpeakersOf({{1'900, 1'950}, {2'100, 2'200}, {4'200, 4'300}}, turns)),
              ElementsAre("ann", "-", "bob"));
  // The twin: with a longer reach, the one in the silence is somebody's.
  EXPECT_THAT(Names(SpeakersOf({{2'100, 2'200}}, turns, {.reach_ms = 1'100})), ElementsAre("ann"));
}

TEST(WordSpeakers, WithoutTurnsNobodySpeaks) {
  EXPECT_THAT(Names(SpeakersOf({{0, 500}, {600, 900}}, {})), ElementsAre("-", "-"));
  EXPECT_TRUE(SpeakersOf({}, {{kAnn, {0, 1'000}}}).empty());
}

TEST(WordSpeakers, ManyShortTurnsOfOneSpeakerCountTogether) {
  const std::vector<SpeakerTurn> turns{{kAnn, {0, 200}}, {kBob, {200, 500}}, {kAnn, {500, 700}}};
  EXPECT_THAT(Names(SpeakersOf({{0, 700}}, turns)), ElementsAre("ann"));
}

TEST(SegmentsBySpeaker, AreCutWhereTheSpeakerChanges) {
  TranscribedWindow window{.range = {0, 10'000}, .language = "en"};
  for (int64_t i = 0; i < 6; ++i) {
    window.words.push_back({i * 500, i * 500 + 400, fmt::format("w{}", i), 0.9});
  }
  const std::vector<SpeakerTurn> turns{{kAnn, {0, 1'400}}, {kBob, {1'400, 3'000}}};
  const auto segments = MakeSegments({window}, turns);
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_EQ(segments[0].text, "w0 w1 w2");
  EXPECT_EQ(segments[0].speaker, kAnn);
  EXPECT_EQ(segments[1].text, "w3 w4 w5");
  EXPECT_EQ(segments[1].speaker, kBob);
  // The twin: with one speaker, and with none, it is one segment.
  EXPECT_EQ(MakeSegments({window}, std::vector<SpeakerTurn>{{kAnn, {0, 3'000}}}).size(), 1U);
  EXPECT_EQ(MakeSegments({window}).size(), 1U);
}

TEST(SegmentsBySpeaker, AddUpTheOverlapOfTheirWords) {
  TranscribedWindow window{.range = {0, 10'000}, .language = "en"};
  window.words = {{0, 400, "a", 0.9}, {500, 900, "b", 0.9}, {1'000, 1'400, "c.", 0.9}};
  const std::vector<SpeakerTurn> turns{{kAnn, {0, 2'000}}, {kBob, {800, 1'100}}};
  const auto segments = MakeSegments({window}, turns);
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].overlap_ms, 200);
}

}  // namespace
}  // namespace narralytica::transcript
