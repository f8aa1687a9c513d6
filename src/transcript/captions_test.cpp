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

TEST(Text, ParagraphsEndAtPauses) {
  EXPECT_EQ(
      ToText(MakeSegments({Spoken({"One."}), Spoken({"Two."}, 1'000), Spoken({"Three."}, 10'000)})),
      "One. Two.\n\nThree.\n");
  EXPECT_EQ(ToText(MakeSegments({Spoken({"今日。", "明日。"}, 0, "ja")})), "今日。明日。\n");
  EXPECT_EQ(ToText({}), "");
}

}  // namespace
}  // namespace narralytica::transcript
