#include "speakers/identity.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "speakers/voice_pooling.hpp"

namespace narralytica::speakers {
namespace {

constexpr const char* kModel = "sha256:one";

// A voice whose cosine to `base` is `cosine`; the rest lies in a direction of its own.
Voice Near(size_t base, double cosine, size_t own) {
  Voice voice{};
  voice[base] = float(cosine);
  voice[own] = float(std::sqrt(1 - cosine * cosine));
  return voice;
}

SpeakerId Speaker(int n) { return SpeakerId::FromTrusted("speaker-" + std::to_string(n)); }
PersonId Somebody(int n) { return PersonId::FromTrusted("person-" + std::to_string(n)); }
VideoId Recording(int n) { return VideoId::FromTrusted("video-" + std::to_string(n)); }

KnownVoice Known(int speaker, std::optional<PersonId> person, const Voice& voice) {
  return {.person = std::move(person),
          .speaker = Speaker(speaker),
          .video = Recording(100 + speaker),
          .model_hash = kModel,
          .speech_ms = 60'000,
          .voice = voice};
}

MatchQuestion Question(std::vector<VoiceToMatch> voices, std::vector<KnownVoice> known) {
  return {.video = Recording(1),
          .model_hash = kModel,
          .voices = std::move(voices),
          .known = std::move(known),
          .rejected = {},
          .withheld = {}};
}

VoiceToMatch Heard(int speaker, const Voice& voice, int64_t speech_ms = 30'000) {
  return {Speaker(speaker), speech_ms, voice};
}

TEST(MatchVoices, GivesTheNearestPersonWithItsScores) {
  const auto matches = MatchVoices(
      Question({Heard(1, Near(0, 0.8, 9))},
               {Known(2, Somebody(1), Near(0, 1, 9)), Known(3, Somebody(2), Near(9, 1, 8))}),
      {});
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_EQ(matches[0].speaker, Speaker(1));
  EXPECT_EQ(matches[0].person, Somebody(1));
  EXPECT_FALSE(matches[0].other);
  EXPECT_NEAR(matches[0].score, 0.8, 1e-6);
  EXPECT_NEAR(matches[0].second, 0.6, 1e-6);
}

TEST(MatchVoices, NeedsTheThreshold) {
  for (const auto& [cosine, found] : {std::pair{0.49, 0U}, {0.51, 1U}}) {
    const auto matches = MatchVoices(
        Question({Heard(1, Near(0, cosine, 9))}, {Known(2, Somebody(1), Near(0, 1, 8))}), {});
    EXPECT_EQ(matches.size(), found) << cosine;
  }
}

TEST(MatchVoices, NeedsTheMarginToTheNextIdentity) {
  const Voice voice = Near(0, 0.8, 9);
  for (const auto& [margin, found] : {std::pair{0.25, 0U}, {0.15, 1U}}) {
    const auto matches = MatchVoices(
        Question({Heard(1, voice)},
                 {Known(2, Somebody(1), Near(0, 1, 8)), Known(3, Somebody(2), Near(9, 1, 8))}),
        {.margin = margin});
    EXPECT_EQ(matches.size(), found) << margin;
  }
}

TEST(MatchVoices, AVoiceThatIsNobodysCompetesToo) {
  const Voice voice = Near(0, 0.8, 9);
  const std::vector<KnownVoice> known{Known(2, Somebody(1), Near(0, 1, 8)),
                                      Known(3, std::nullopt, Near(0, 0.9, 9))};
  // The unknown voice is the nearer one, by less than the margin.
  EXPECT_TRUE(MatchVoices(Question({Heard(1, voice)}, known), {.margin = 0.3}).empty());
}

TEST(MatchVoices, FindsAnUnknownVoiceAgain) {
  const auto matches = MatchVoices(
      Question({Heard(1, Near(0, 0.8, 9))}, {Known(2, std::nullopt, Near(0, 1, 8))}), {});
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_FALSE(matches[0].person);
  EXPECT_EQ(matches[0].other, Speaker(2));
}

TEST(MatchVoices, TwoOfOneVideoAreNeverOnePerson) {
  const auto matches = MatchVoices(Question({Heard(1, Near(0, 0.7, 9)), Heard(2, Near(0, 0.9, 8))},
                                            {Known(3, Somebody(1), Near(0, 1, 7))}),
                                   {});
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_EQ(matches[0].speaker, Speaker(2));  // the nearer one
}

TEST(MatchVoices, WhoSpeaksInTheVideoAlreadyIsNotGivenAndStillCompetes) {
  MatchQuestion question =
      Question({Heard(1, Near(0, 0.8, 9))},
               {Known(2, Somebody(1), Near(0, 1, 8)), Known(3, Somebody(2), Near(9, 1, 8))});
  ASSERT_EQ(MatchVoices(question, {}).size(), 1U);
  question.withheld = {Somebody(1)};
  EXPECT_TRUE(MatchVoices(question, {}).empty());
}

TEST(MatchVoices, ARejectedPairIsNeverMatchedAgain) {
  MatchQuestion question =
      Question({Heard(1, Near(0, 0.9, 9))}, {Known(2, Somebody(1), Near(0, 1, 8))});
  ASSERT_EQ(MatchVoices(question, {}).size(), 1U);
  question.rejected = {{Speaker(1), Somebody(1)}};
  EXPECT_TRUE(MatchVoices(question, {}).empty());
  question.rejected = {{Speaker(1), Somebody(2)}, {Speaker(2), Somebody(1)}};
  EXPECT_EQ(MatchVoices(question, {}).size(), 1U);
}

TEST(MatchVoices, VectorsOfTwoModelsAreNeverCompared) {
  MatchQuestion question =
      Question({Heard(1, Near(0, 0.9, 9))}, {Known(2, Somebody(1), Near(0, 1, 8))});
  ASSERT_EQ(MatchVoices(question, {}).size(), 1U);
  question.known[0].model_hash = "sha256:other";
  EXPECT_TRUE(MatchVoices(question, {}).empty());
}

TEST(MatchVoices, TooLittleSpeechOnEitherSideIsNoGround) {
  const MatchQuestion enough =
      Question({Heard(1, Near(0, 0.9, 9), 3'000)}, {Known(2, Somebody(1), Near(0, 1, 8))});
  ASSERT_EQ(MatchVoices(enough, {}).size(), 1U);
  MatchQuestion little = enough;
  little.voices[0].speech_ms = 2'999;
  EXPECT_TRUE(MatchVoices(little, {}).empty());
  little = enough;
  little.known[0].speech_ms = 2'999;
  EXPECT_TRUE(MatchVoices(little, {}).empty());
}

TEST(MatchVoices, OtherVoicesOfTheVideoCountOnlyWhenEnrolled) {
  MatchQuestion question =
      Question({Heard(1, Near(0, 0.9, 9))}, {Known(2, Somebody(1), Near(0, 1, 8))});
  question.known[0].video = question.video;
  EXPECT_TRUE(MatchVoices(question, {}).empty());
  question.known[0].enrolled = true;
  EXPECT_EQ(MatchVoices(question, {}).size(), 1U);
}

TEST(MatchVoices, AnIdentityIsTheMeanOfItsVoices) {
  // Either voice alone is too far; their mean is near enough.
  const Voice voice = Near(0, 0.6, 1);
  const std::vector<KnownVoice> both{Known(2, Somebody(1), Near(0, 0.7, 8)),
                                     Known(3, Somebody(1), Near(1, 0.6, 7))};
  const IdentityRules rules{.threshold = 0.6};
  EXPECT_TRUE(MatchVoices(Question({Heard(1, voice)}, {both[0]}), rules).empty());
  EXPECT_TRUE(MatchVoices(Question({Heard(1, voice)}, {both[1]}), rules).empty());
  const auto matches = MatchVoices(Question({Heard(1, voice)}, both), rules);
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_NEAR(matches[0].score, 0.636, 0.01);
}

TEST(MatchVoices, IsTheSameInAnyOrder) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const auto noisy = [&](size_t base) {
    Voice voice{};
    voice[base] = 1;
    for (float& value : voice) value += 0.05F * normal(random);
    Normalise(voice);
    return voice;
  };
  std::vector<VoiceToMatch> voices;
  std::vector<KnownVoice> known;
  for (int n = 0; n < 12; ++n) voices.push_back(Heard(n, noisy(size_t(n) % 8)));
  for (int n = 0; n < 40; ++n) {
    std::optional<PersonId> person;
    if (n % 10 < 7) person = Somebody(n % 10);
    known.push_back(Known(100 + n, person, noisy(size_t(n) % 10)));
    known.back().speech_ms = 1'000 * (n + 1);
  }
  const auto expected = MatchVoices(Question(voices, known), {});
  ASSERT_GE(expected.size(), 5U);
  for (int round = 0; round < 20; ++round) {
    std::ranges::shuffle(voices, random);
    std::ranges::shuffle(known, random);
    const auto matches = MatchVoices(Question(voices, known), {});
    ASSERT_EQ(matches.size(), expected.size());
    for (size_t i = 0; i < matches.size(); ++i) {
      EXPECT_EQ(matches[i].speaker, expected[i].speaker);
      EXPECT_EQ(matches[i].person, expected[i].person);
      EXPECT_EQ(matches[i].other, expected[i].other);
      EXPECT_EQ(matches[i].score, expected[i].score);  // to the last bit
    }
  }
}

TEST(ScoreAgainst, LeavesOutOtherModelsAndShortVoices) {
  std::vector<KnownVoice> others{Known(2, Somebody(1), Near(0, 1, 8))};
  const VoiceToMatch voice = Heard(1, Near(0, 0.7, 9));
  EXPECT_NEAR(ScoreAgainst(voice, kModel, others, {}).value(), 0.7, 1e-6);
  others[0].speech_ms = 100;
  EXPECT_FALSE(ScoreAgainst(voice, kModel, others, {}));
  EXPECT_FALSE(ScoreAgainst(voice, "sha256:other", {Known(2, Somebody(1), Near(0, 1, 8))}, {}));
}

}  // namespace
}  // namespace narralytica::speakers
