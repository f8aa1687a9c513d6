#include "speakers/voice_features.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "speakers/frames.hpp"

namespace narralytica::speakers {
namespace {

constexpr size_t kWavHeaderBytes = 78;  // of inaugural.wav, with what its writer says of itself

std::vector<int16_t> Samples(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(0, std::ios::end);
  std::vector<int16_t> samples((size_t(file.tellg()) - kWavHeaderBytes) / 2);
  file.seekg(kWavHeaderBytes);
  file.read(reinterpret_cast<char*>(samples.data()), std::streamsize(samples.size() * 2));
  EXPECT_TRUE(file) << path;
  return samples;
}

TEST(VoiceFeatures, AreThoseOfTheReference) {
  const auto reference = nlohmann::json::parse(std::ifstream("src/speakers/reference.json"));
  const auto samples = Samples(reference.at("recording"));
  const auto features = VoiceFeatures(samples);
  ASSERT_EQ(features.size(), size_t(Grid(std::ssize(samples)).features()) * kFeatureBands);
  const size_t first = reference.at("fbank_frame");
  const auto& frames = reference.at("fbank");
  ASSERT_GE(frames.size(), 5U);
  for (size_t frame = 0; frame < frames.size(); ++frame) {
    for (size_t band = 0; band < kFeatureBands; ++band) {
      const float expected = frames[frame][band];
      EXPECT_NEAR(features[(first + frame) * kFeatureBands + band], expected, 2e-3)
          << frame << " " << band;
    }
  }
}

// But for rounding: two frames share a transform.
TEST(VoiceFeatures, DoNotDependOnWhereTheyBegin) {
  const auto samples = Samples("samples/demo/inaugural.wav");
  const auto whole = VoiceFeatures(samples);
  const auto later = VoiceFeatures(std::span(samples).subspan(7 * kFeatureSamples));
  for (size_t i = 0; i < later.size(); ++i) {
    ASSERT_NEAR(later[i], whole[7 * kFeatureBands + i], 2e-3) << i;
  }
}

TEST(VoiceFeatures, TooLittleSoundHasNone) {
  EXPECT_TRUE(VoiceFeatures(std::vector<int16_t>(399)).empty());
  EXPECT_EQ(VoiceFeatures(std::vector<int16_t>(400)).size(), kFeatureBands);
}

TEST(FeatureMean, IsOverAllThatWasAdded) {
  FeatureMean mean;
  EXPECT_EQ(mean.Mean()[3], 0);
  std::vector<float> features(2 * kFeatureBands, 1);
  features[3] = 5;
  mean.Add(features);
  mean.Add(std::vector<float>(kFeatureBands, 1));
  EXPECT_FLOAT_EQ(mean.Mean()[3], 7.0f / 3);
  EXPECT_FLOAT_EQ(mean.Mean()[4], 1);
}

}  // namespace
}  // namespace narralytica::speakers
