#include "search/query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "search/highlight.hpp"
#include "search/query_plan.hpp"
#include "search/ranking.hpp"

namespace narralytica::search {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The tree as text: word, "phrase", prefix*, [list], &(and), |(or), !not.
std::string Show(const QueryNode& node) {
  using Kind = QueryNode::Kind;
  std::string parts;
  for (const QueryNode& part : node.parts) parts += (parts.empty() ? "" : " ") + Show(part);
  switch (node.kind) {
    case Kind::kWord:
      return node.text;
    case Kind::kPrefix:
      return node.text + "*";
    case Kind::kPhrase:
      return '"' + node.text + '"';
    case Kind::kList:
      return "[" + parts + "]";
    case Kind::kAnd:
      return "&(" + parts + ")";
    case Kind::kOr:
      return "|(" + parts + ")";
    case Kind::kNot:
      return "!" + parts;
  }
  return "?";
}

std::string Parse(std::string_view text) {
  const auto query = ParseQuery(text);
  return query ? Show(query->root) : query.error().message;
}

TEST(Query, Precedence) {
  EXPECT_EQ(Parse("a"), "a");
  EXPECT_EQ(Parse("a b"), "[a b]");
  EXPECT_EQ(Parse("a b OR c"), "|([a b] c)");
  EXPECT_EQ(Parse("a AND b c"), "[&(a b) c]");
  EXPECT_EQ(Parse("a AND NOT b"), "&(a !b)");
  EXPECT_EQ(Parse("a NOT (b OR c)"), "[a !|(b c)]");
  EXPECT_EQ(Parse("(a OR b) AND \"c d\" ef*"), "[&(|(a b) \"c d\") ef*]");
  EXPECT_EQ(Parse("and or not"), "[and or not]");
}

TEST(Query, FieldsNarrowTheWhole) {
  const auto query = ParseQuery("lang:DE budget after:2024-01-02 before:2024-02-01T00:00:00Z");
  ASSERT_TRUE(query) << query.error().Describe();
  EXPECT_EQ(Show(query->root), "budget");
  EXPECT_EQ(query->filter.language, "de");
  EXPECT_EQ(query->filter.published_from, UtcMs{1704153600000});
  EXPECT_EQ(query->filter.published_until, UtcMs{1706745600000});
}

TEST(Query, TooLongIsRefused) {
  EXPECT_TRUE(ParseQuery(std::string(kQueryBytesMax, 'x')));
  const auto query = ParseQuery(std::string(kQueryBytesMax + 1, 'x'));
  ASSERT_FALSE(query);
  EXPECT_EQ(query.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(query.error().message, HasSubstr("longer than 1024 bytes"));
}

TEST(Query, RandomInputNeverBreaksTheParser) {
  const std::vector<std::string> pieces{"(",    ")",  "\"", "AND",   "OR",     "NOT",
                                        "a",    "b*", "*",  "lang:", "video:", ":",
                                        "\xC3", "“",  " ",  "\n",    "after:1"};
  std::mt19937 random(42);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t k = random() % 12; k > 0; --k) {
      text += pieces[random() % pieces.size()];
      if (random() % 2 == 0) text += ' ';
    }
    const auto query = ParseQuery(text);
    if (!query) {
      EXPECT_EQ(query.error().code, ErrorCode::kInvalid) << text;
      EXPECT_FALSE(query.error().hint.empty()) << text;
    }
  }
}

TEST(EditDistance, CountsAsPeopleMistype) {
  EXPECT_EQ(EditDistance("budget", "budget", 2), 0);
  EXPECT_EQ(EditDistance("budget", "bugdet", 2), 1);  // swapped
  EXPECT_EQ(EditDistance("budget", "budet", 2), 1);
  EXPECT_EQ(EditDistance("budget", "budgett", 2), 1);
  EXPECT_EQ(EditDistance("budget", "gadget", 2), 2);
  EXPECT_EQ(EditDistance("budget", "widget", 1), 2);
  EXPECT_EQ(EditDistance("größe", "grösse", 2), 2);
  EXPECT_EQ(EditDistance("a", "abcdef", 2), 3);
  EXPECT_EQ(EditDistance("", "ab", 2), 2);
}

TEST(Highlight, EscapesAndMarks) {
  EXPECT_EQ(MarkUp("a<b & \"c\"", {{0, 3}}), "<mark>a&lt;b</mark> &amp; &quot;c&quot;");
  EXPECT_EQ(MarkUp("plain", {}), "plain");
  Matcher matcher;
  matcher.stems.insert("meet");
  matcher.phrases.push_back({"of", "the", "house"});
  const std::string text = "Meetings of the House, of the day";
  EXPECT_EQ(
      MarkUp(text, matcher.FindIn(text, "en")),
      "<mark>Meetings</mark> <mark>of</mark> <mark>the</mark> <mark>House</mark>, of the day");
}

std::vector<Neighbour> Recording(const std::vector<float>& text, uint32_t video = 0) {
  std::vector<Neighbour> neighbours;
  for (uint32_t place = 0; place < text.size(); ++place) {
    neighbours.push_back({{video, place}, true, text[place], std::nullopt});
  }
  return neighbours;
}

std::vector<uint32_t> Places(const std::vector<RankedSegment>& ranked) {
  std::vector<uint32_t> places;
  for (const RankedSegment& segment : ranked) places.push_back(segment.ref.place);
  return places;
}

TEST(Ranking, OfEqualScoresTheFittingStretchWins) {
  const auto ranked = Rank(Recording({0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, .5f, 1, .5f, 0, 0, 0, 0}),
                           {.text = true}, kWithinVideo);
  EXPECT_EQ(ranked.front().ref.place, 12u);
  for (const RankedSegment& segment : ranked) {
    EXPECT_GE(segment.combined, 0);
    EXPECT_LE(segment.combined, 1);
  }
}

TEST(Ranking, NeighboursLendNothingAcrossRecordings) {
  // Places 1 of video 0 and 0 of video 1 stand beside one another in the list only.
  std::vector<Neighbour> touching = Recording({0, 1}, 0);
  const auto second = Recording({1, 0}, 1);
  touching.insert(touching.end(), second.begin(), second.end());
  const auto ranked = Rank(touching, {.text = true}, kWithinVideo);
  const auto alone = Rank(Recording({0, 1}, 0), {.text = true}, kWithinVideo);
  ASSERT_EQ(ranked[0].ref, (index::SegmentRef{0, 1}));
  EXPECT_EQ(ranked[0].combined, alone[0].combined);
}

TEST(Ranking, ARecordingThatFitsLiftsItsSegments) {
  // The same score and the same neighbourhood, but the second recording has it three times.
  std::vector<float> once(31, 0);
  once[10] = .6f;
  std::vector<float> often = once;
  often[20] = often[30] = .6f;
  std::vector<Neighbour> both = Recording(once, 0);
  const auto second = Recording(often, 1);
  both.insert(both.end(), second.begin(), second.end());
  const auto ranked = Rank(both, {.text = true}, kOverVideos);
  const auto score = [&](index::SegmentRef ref) {
    return std::find_if(ranked.begin(), ranked.end(),
                        [&](const RankedSegment& segment) { return segment.ref == ref; })
        ->combined;
  };
  EXPECT_GT(score({1, 10}), score({0, 10}));
}

TEST(Ranking, AMissingVectorCountsAsTheLowest) {
  std::vector<Neighbour> neighbours = Recording({0, 0, 0}, 0);
  neighbours[0].vector = .7f;
  neighbours[2].vector = .9f;
  const auto ranked =
      Rank(neighbours, {.text = false, .vector = true, .vector_lowest = .7f}, kWithinVideo);
  EXPECT_EQ(ranked.front().ref.place, 2u);
}

TEST(Passages, LandOnTheBestAndKeepDistance) {
  const auto at = [](uint32_t place, float combined, float own) {
    return RankedSegment{{0, place}, combined, own};
  };
  // The best by combined score is 5, but its neighbour 6 has what was asked for.
  const std::vector<RankedSegment> ranked{at(5, .9f, .1f), at(6, .8f, .9f), at(4, .7f, .2f),
                                          at(9, .6f, .1f), at(8, .5f, .1f)};
  EXPECT_THAT(Places(ToPassages(ranked, 2)), ElementsAre(6, 9));
  EXPECT_THAT(Places(ToPassages(ranked, 0)), ElementsAre(5, 6, 4, 9, 8));
  EXPECT_THAT(ToPassages({}, 2), IsEmpty());
}

}  // namespace
}  // namespace narralytica::search
