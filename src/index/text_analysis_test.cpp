#include "index/text_analysis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace narralytica::index {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Exact(std::string_view text, std::string_view language) {
  std::vector<std::string> words;
  for (const Token& token : Analyze(text, language)) words.push_back(token.exact);
  return words;
}

std::vector<std::string> Stems(std::string_view text, std::string_view language) {
  std::vector<std::string> words;
  for (const Token& token : Analyze(text, language)) words.push_back(token.stem);
  return words;
}

TEST(TextAnalysis, OffsetsPointIntoTheOriginalText) {
  const std::string text = "Größe der L’École, 3.5 %!";
  std::vector<std::string> words;
  for (const Token& token : Analyze(text, "fr")) {
    words.push_back(text.substr(token.begin, token.end - token.begin));
  }
  EXPECT_THAT(words, ElementsAre("Größe", "der", "École", "3.5"));
  EXPECT_THAT(Exact(text, "fr"), ElementsAre("grosse", "der", "ecole", "3.5"));
}

TEST(TextAnalysis, StemsByLanguage) {
  EXPECT_EQ(Stems("running meetings", "en"), Stems("runs meeting", "en"));
  EXPECT_EQ(Stems("Häuser", "de"), Stems("haus", "de"));
  EXPECT_EQ(Stems("économiques", "fr"), Stems("économique", "fr"));
  EXPECT_EQ(Stems("canciones", "es"), Stems("canción", "es"));
  EXPECT_EQ(Stems("decisões", "pt-BR"), Stems("decisão", "pt"));
  EXPECT_EQ(Stems("bambini", "it"), Stems("bambino", "it"));
  EXPECT_THAT(Stems("running", "xx"), ElementsAre("running"));
  EXPECT_THAT(Stems("running", ""), ElementsAre("running"));
}

TEST(TextAnalysis, AccentsFoldWhereALanguageAllowsIt) {
  EXPECT_THAT(Exact("Café naïve Łódź œuvre", "en"), ElementsAre("cafe", "naive", "lodz", "oeuvre"));
  EXPECT_THAT(Exact("Å räksmörgås", "sv"), ElementsAre("å", "räksmörgås"));
  EXPECT_THAT(Exact("ёлка йод", "ru"), ElementsAre("елка", "йод"));
  EXPECT_THAT(Exact("Αθήνα", "el"), ElementsAre("αθηνα"));
  EXPECT_THAT(Exact("مُحَمَّد", "ar"), ElementsAre("محمد"));
  EXPECT_THAT(Exact("がん", "ja"), ElementsAre("がん"));
  EXPECT_THAT(Exact("हिन्दी", "hi"), ElementsAre("हिन्दी"));
}

TEST(TextAnalysis, CompatibilityFormsFold) {
  EXPECT_THAT(Exact("ＡＢＣ ﬁne", "en"), ElementsAre("abc", "fine"));
  EXPECT_THAT(Exact("e\u0301te\u0301", "fr"), Exact("été", "fr"));
}

TEST(TextAnalysis, SegmentsScriptsWithoutSpaces) {
  EXPECT_THAT(Exact("我们讨论预算", "zh"), Contains("预算"));
  EXPECT_THAT(Exact("東京で会議があります", "ja"), Contains("会議"));
  EXPECT_THAT(Exact("การประชุมวันนี้", "th"), Contains("ประชุม"));
}

TEST(TextAnalysis, ElidedArticlesAreCutOff) {
  EXPECT_THAT(Exact("l'homme qu’elle aujourd'hui", "fr"),
              ElementsAre("homme", "elle", "aujourd'hui"));
  EXPECT_THAT(Exact("dell'acqua", "it"), ElementsAre("acqua"));
  EXPECT_THAT(Exact("don't", "en"), ElementsAre("don't"));
}

TEST(TextAnalysis, SurvivesHostileText) {
  EXPECT_THAT(Exact("", "en"), IsEmpty());
  EXPECT_THAT(Exact("\xff\xfe word \xc3", "en"), ElementsAre("word"));
  EXPECT_THAT(Exact(std::string("a\0b", 3), "en"), ElementsAre("a", "b"));
  const auto tokens = Analyze(std::string(10'000, 'x'), "en");
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens[0].exact.size(), kTokenBytesMax);
  EXPECT_EQ(tokens[0].end, 10'000u);
}

TEST(TextAnalysis, StopWordsAreInExactForm) {
  EXPECT_TRUE(IsStopWord("the", "en"));
  EXPECT_TRUE(IsStopWord(Exact("für", "de")[0], "de"));
  EXPECT_TRUE(IsStopWord(Exact("après", "fr")[0], "fr"));
  EXPECT_FALSE(IsStopWord("die", "en"));
  EXPECT_FALSE(IsStopWord("the", "xx"));
}

TEST(TextAnalysis, SameFromEveryThread) {
  const std::string text = "Les économies d'énergie 会議 running";
  const auto expected = Stems(text, "fr");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) EXPECT_EQ(Stems(text, "fr"), expected);
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace narralytica::index
