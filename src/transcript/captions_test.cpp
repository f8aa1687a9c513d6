// From words to segments to captions and text.
#include "transcript/captions.hpp"

#include <gmock/gmock.h>

namespace narralytica::transcript {
namespace {

using testing::ElementsAre;

// A word each 500 ms, 400 ms long.
TranscribedWindow Spoken(const std::vector<std::string>& texts, int64_t from_ms = 0,
                         const std::string& language = "en") {
  TranscribedWindow window{.range = {from_ms, from_ms + 20'000}, .language = language};
  for (const std::string& text : texts) {
    window.words.push_back({from_ms, from_ms + 400, text, 0.9});
    from_ms += 500;
  }
  return window;
}

std::vector<std::string> Texts(const std::vector<Segment>& segments) {
  std::vector<std::string> texts;
  for (const Segment& segment : segments) texts.push_back(segment.text);
  return texts;
}

TEST(Segmenter, EndsWithTheSentenceButNotWithAnAbbreviation) {
  EXPECT_THAT(
      Texts(MakeSegments({Spoken({"Mr.", "Fish", "came.", "\"Why?\"", "asked", "J.", "T."})})),
      ElementsAre("Mr. Fish came.", "\"Why?\"", "asked J. T."));
}

TEST(Segmenter, EndsAtAPauseAndWhereTheLanguageChanges) {
  EXPECT_THAT(Texts(MakeSegments({Spoken({"one", "two"}), Spoken({"three"}, 3'000),
                                  Spoken({"vier"}, 3'500, "de")})),
              ElementsAre("one two", "three", "vier"));
}

TEST(Segmenter, CutsALongOneAtItsBestInnerPlace) {
  std::vector<std::string> words(41, "word");
  words[29] = "word,";
  const auto segments = MakeSegments({Spoken(words)}, {.segment_ms_max = 60'000});
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_EQ(segments[0].words.size(), 30U);
  EXPECT_EQ(segments[1].range, (TimeRange{15'000, 20'400}));
}

TEST(Segmenter, LanguagesWithoutSpacesAreJoinedWithout) {
  EXPECT_THAT(Texts(MakeSegments({Spoken({"今日", "は", "晴れ。"}, 0, "ja")})),
              ElementsAre("今日は晴れ。"));
}

TEST(Captions, FitTwoLinesAndSevenSeconds) {
  const std::vector<std::string> words(30, "extraordinary");
  const auto segments = MakeSegments({Spoken(words)}, {.segment_ms_max = 60'000});
  const auto captions = MakeCaptions(segments);
  ASSERT_GT(captions.size(), 1U);
  int64_t end_ms = 0;
  size_t shown = 0;
  for (const Caption& caption : captions) {
    EXPECT_GE(caption.range.start_ms, end_ms);
    EXPECT_LE(caption.range.duration_ms(), 7'000);
    EXPECT_LE(caption.lines.size(), 2U);
    for (const std::string& line : caption.lines) {
      EXPECT_LE(line.size(), 42U);
      shown += (line.size() + 1) / sizeof "extraordinary";
    }
    end_ms = caption.range.end_ms;
  }
  EXPECT_EQ(shown, words.size());
}

TEST(Captions, AWordLongerThanALineIsCutBetweenCharacters) {
  std::string word;
  for (int i = 0; i < 50; ++i) word += "ä";
  const auto captions = MakeCaptions(MakeSegments({Spoken({word})}));
  ASSERT_EQ(captions.size(), 1U);
  ASSERT_EQ(captions[0].lines.size(), 2U);
  EXPECT_EQ(captions[0].lines[0].size(), 84U);
  EXPECT_EQ(captions[0].lines[0] + captions[0].lines[1], word);
}

TEST(Captions, SubRipAndWebVtt) {
  const auto captions = MakeCaptions(MakeSegments({Spoken({"a", "<b>", "&", "c."}, 3'723'004)}));
  EXPECT_EQ(ToSrt(captions), "1\n01:02:03,004 --> 01:02:04,904\na <b> & c.\n\n");
  EXPECT_EQ(ToVtt(captions), "WEBVTT\n\n01:02:03.004 --> 01:02:04.904\na &lt;b&gt; &amp; c.\n");
  EXPECT_EQ(ToSrt({}), "");
  EXPECT_EQ(ToVtt({}), "WEBVTT\n");
}

// Segments of two speakers, a word each 500 ms.
std::vector<Segment> Dialogue(const std::vector<std::pair<std::string, std::string>>& said) {
  std::vector<Segment> segments;
  int64_t at_ms = 0;
  for (const auto& [speaker, text] : said) {
    auto made = MakeSegments({Spoken({text}, at_ms)});
    made[0].speaker = SpeakerId::FromTrusted(speaker);
    segments.push_back(made[0]);
    at_ms += 500;
  }
  return segments;
}

const SpeakerNames kNames{{SpeakerId::FromTrusted("a"), "Ann <A&B>"},
                          {SpeakerId::FromTrusted("b"), "Bob"}};

TEST(CaptionsWithSpeakers, TheFirstOfATurnSaysWhoSpeaks) {
  const auto segments = Dialogue({{"a", "One."}, {"a", "Two."}, {"b", "Three."}, {"a", "Four."}});
  const auto captions = MakeCaptions(segments, kNames);
  ASSERT_EQ(captions.size(), 4U);
  EXPECT_EQ(ToVtt(captions),
            "WEBVTT\n\n00:00:00.000 --> 00:00:00.400\n<v Ann &lt;A&amp;B&gt;>One.\n"
            "\n00:00:00.500 --> 00:00:00.900\nTwo.\n"
            "\n00:00:01.000 --> 00:00:01.400\n<v Bob>Three.\n"
            "\n00:00:01.500 --> 00:00:01.900\n<v Ann &lt;A&amp;B&gt;>Four.\n");
  EXPECT_THAT(ToSrt(captions), testing::StartsWith("1\n00:00:00,000 --> 00:00:00,400\n"
                                                   "Ann <A&B>: One.\n\n2\n"));
  EXPECT_THAT(ToSrt(captions), testing::HasSubstr("\nTwo.\n"));
  EXPECT_EQ(ToText(segments, kNames), "Ann <A&B>: One. Two.\n\nBob: Three.\n\nAnn <A&B>: Four.\n");
  // The twin: without names, nobody is named and the text runs on.
  EXPECT_THAT(ToVtt(MakeCaptions(segments)), testing::Not(testing::HasSubstr("<v")));
  EXPECT_EQ(ToText(segments), "One. Two. Three. Four.\n");
}

TEST(CaptionsWithSpeakers, NobodyIsNamedWhereNobodyWasHeard) {
  auto segments = Dialogue({{"a", "One."}, {"a", "Two."}, {"a", "Three."}});
  segments[1].speaker.reset();
  const auto captions = MakeCaptions(segments, kNames);
  EXPECT_EQ(captions[1].voice, "");
  EXPECT_EQ(captions[2].voice, "Ann <A&B>") << "after another, even after nobody";
}

TEST(CaptionsWithSpeakers, TheNameIsAPartOfTheLine) {
  const std::string long_name(50, 'n');
  const SpeakerNames names{{SpeakerId::FromTrusted("a"), long_name}};
  std::vector<Segment> segments = MakeSegments({Spoken(std::vector<std::string>(9, "wordy"))});
  segments[0].speaker = SpeakerId::FromTrusted("a");
  const auto captions = MakeCaptions(segments, names);
  ASSERT_EQ(captions.size(), 1U);
  EXPECT_EQ(captions[0].voice, long_name) << "WebVTT has it whole";
  EXPECT_EQ(captions[0].lines[0], "wordy wordy wordy");
  EXPECT_THAT(ToSrt(captions),
              testing::HasSubstr("\n" + std::string(19, 'n') + "…: wordy wordy wordy\n"));
  // The twin: without the name, the line has room for more.
  EXPECT_EQ(MakeCaptions(segments)[0].lines[0].size(), 41U);
}

TEST(Text, ParagraphsEndAtPauses) {
  EXPECT_EQ(
      ToText(MakeSegments({Spoken({"One."}), Spoken({"Two."}, 1'000), Spoken({"Three."}, 10'000)})),
      "One. Two.\n\nThree.\n");
  EXPECT_EQ(ToText(MakeSegments({Spoken({"今日。", "明日。"}, 0, "ja")})), "今日。明日。\n");
  EXPECT_EQ(ToText({}), "");
}

}  // namespace
}  // namespace narralytica::transcript
