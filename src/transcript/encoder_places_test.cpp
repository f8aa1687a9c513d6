#include "transcript/encoder_places.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <numeric>

namespace narralytica::transcript {
namespace {

using testing::Each;

constexpr int64_t kFramesMax = 1500;
constexpr size_t kSecond = 16'000;

float Total(const std::vector<float>& shares) {
  return std::accumulate(shares.begin(), shares.end(), 0.0f);
}

TEST(EncoderPlaces, SoundIsDenseAndTheSilenceBehindItIsSampled) {
  const EncoderPlaces chosen = PlacesFor(10 * kSecond, kFramesMax, {50, 4});
  ASSERT_EQ(chosen.count(), 550u + 238u);  // 950 positions by four
  for (size_t i = 0; i < 550; ++i) {
    ASSERT_EQ(chosen.places[i], int64_t(i));
    ASSERT_EQ(chosen.shares[i], 1);
    ASSERT_EQ(chosen.sources[i], int64_t(i));
  }
  EXPECT_EQ(chosen.places[551], 554);
  EXPECT_EQ(chosen.shares[551], 4);
  EXPECT_EQ(chosen.places.back(), 1498);
  EXPECT_EQ(chosen.shares.back(), 2) << "the last stands for what is left";
}

TEST(EncoderPlaces, TheSharesAreAllPositionsHoweverLongTheSoundIs) {
  for (size_t samples = 0; samples <= 31 * kSecond; samples += 4'321) {
    for (const int64_t stride : {1, 2, 3, 4, 7}) {
      const EncoderPlaces chosen = PlacesFor(samples, kFramesMax, {50, stride});
      ASSERT_EQ(Total(chosen.shares), float(kFramesMax)) << samples << " by " << stride;
      ASSERT_LT(chosen.places.back(), kFramesMax);
      ASSERT_TRUE(std::ranges::is_sorted(chosen.places, std::less_equal()) ||
                  chosen.places.size() == 1);
      ASSERT_LT(*std::ranges::max_element(chosen.sources), chosen.frames);
      ASSERT_LE(chosen.frames, kFramesMax);
    }
  }
}

TEST(EncoderPlaces, AStrideOfOneIsWhisper) {
  const EncoderPlaces chosen = PlacesFor(kSecond, kFramesMax, {50, 1});
  ASSERT_EQ(chosen.count(), size_t(kFramesMax));
  EXPECT_THAT(chosen.shares, Each(1));
  EXPECT_EQ(chosen.sources, chosen.places);
  EXPECT_EQ(chosen.frames, kFramesMax);
}

// What stands for silence is far enough from the sound, and from the edge behind the spectrogram.
TEST(EncoderPlaces, SilenceComesFromSilence) {
  for (size_t samples = 0; samples <= 28 * kSecond; samples += 4'321) {
    const EncoderPlaces chosen = PlacesFor(samples, kFramesMax, {50, 4});
    const auto sound = int64_t(samples / 320 + 1);
    for (size_t i = 0; i < chosen.count(); ++i) {
      if (chosen.sources[i] == chosen.places[i]) continue;
      ASSERT_GE(chosen.sources[i], sound + 3);
      ASSERT_LE(chosen.sources[i], chosen.frames - 3);
    }
  }
}

}  // namespace
}  // namespace narralytica::transcript
