#include "speakers/voice_pooling.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace narralytica::speakers {
namespace {

// A head that shows mean and deviation of the first channel as the first two dimensions.
std::vector<float> ShowingHead() {
  std::vector<float> head((kPooledChannels + 1) * kVoiceDimension);
  head[0] = 1;
  head[kTrunkChannels * kVoiceDimension + 1] = 1;
  head[kPooledChannels * kVoiceDimension + 2] = 7;  // the bias
  return head;
}

TEST(VoicePooling, IsTheWeightedMeanAndTheUnbiasedDeviation) {
  const auto head = ShowingHead();
  const std::vector<float> values{1, 4, 2, 9}, weights{1, .5, 0, 2};
  std::vector<float> frames(values.size() * kTrunkChannels);
  for (size_t i = 0; i < values.size(); ++i) frames[i * kTrunkChannels] = values[i];
  double sum = 0, squares = 0, mean = 0, variance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += weights[i];
    squares += weights[i] * weights[i];
    mean += weights[i] * values[i];
  }
  mean /= sum;
  for (size_t i = 0; i < values.size(); ++i) {
    variance += weights[i] * (values[i] - mean) * (values[i] - mean);
  }
  variance /= sum - squares / sum;
  const Voice voice = VoicePooling(head).Pool(frames, weights);
  EXPECT_NEAR(voice[0], mean, 1e-5);
  EXPECT_NEAR(voice[1], std::sqrt(variance), 1e-5);
  EXPECT_EQ(voice[2], 7);
}

TEST(VoicePooling, OneFrameHasNoDeviationAndNoWeightNoVoice) {
  const auto head = ShowingHead();
  std::vector<float> frames(2 * kTrunkChannels, 3);
  const Voice one = VoicePooling(head).Pool(frames, std::vector<float>{0, 1});
  EXPECT_NEAR(one[0], 3, 1e-6);
  EXPECT_NEAR(one[1], 0, 1e-3);
  const Voice none = VoicePooling(head).Pool(frames, std::vector<float>{0, 0});
  EXPECT_EQ(none, Voice{});
}

}  // namespace
}  // namespace narralytica::speakers
