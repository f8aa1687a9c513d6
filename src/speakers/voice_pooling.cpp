#include "speakers/voice_pooling.hpp"

#include <algorithm>
#include <cmath>

#include "base/result.hpp"

namespace narralytica::speakers {
namespace {

constexpr double kTiny = 1e-8;  // as the model has it

}  // namespace

Voice VoicePooling::Pool(std::span<const float> frames, std::span<const float> weights) const {
  NRL_ASSERT(frames.size() == weights.size() * kTrunkChannels);
  double sum = 0;
  double squares = 0;
  for (const float weight : weights) {
    sum += double(weight);
    squares += double(weight) * double(weight);
  }
  Voice voice{};
  if (sum <= 0) return voice;
  sum += kTiny;
  std::vector<float> mean(kTrunkChannels, 0);
  for (size_t i = 0; i < weights.size(); ++i) {
    const float share = float(double(weights[i]) / sum);
    if (share == 0) continue;
    const float* frame = &frames[i * kTrunkChannels];
    for (size_t c = 0; c < kTrunkChannels; ++c) mean[c] += share * frame[c];
  }
  std::vector<float> variance(kTrunkChannels, 0);
  const float rest = float(sum - squares / sum + kTiny);
  for (size_t i = 0; i < weights.size(); ++i) {
    const float share = weights[i] / rest;
    if (share == 0) continue;
    const float* frame = &frames[i * kTrunkChannels];
    for (size_t c = 0; c < kTrunkChannels; ++c) {
      const float off = frame[c] - mean[c];
      variance[c] += share * off * off;
    }
  }
  std::ranges::copy(head_.last(kVoiceDimension), voice.begin());
  const auto add = [&](size_t channel, float value) {
    const float* row = &head_[channel * kVoiceDimension];
    for (size_t d = 0; d < kVoiceDimension; ++d) voice[d] += value * row[d];
  };
  for (size_t c = 0; c < kTrunkChannels; ++c) add(c, mean[c]);
  for (size_t c = 0; c < kTrunkChannels; ++c) add(kTrunkChannels + c, std::sqrt(variance[c]));
  return voice;
}

float Dot(const Voice& a, const Voice& b) {
  std::array<float, 16> sums{};
  for (size_t i = 0; i < a.size(); i += sums.size()) {
    for (size_t j = 0; j < sums.size(); ++j) sums[j] += a[i + j] * b[i + j];
  }
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

void Normalise(Voice& voice) {
  const float length = std::sqrt(Dot(voice, voice));
  if (length <= 1e-9f) {
    voice.fill(0);
    return;
  }
  for (float& value : voice) value /= length;
}

}  // namespace narralytica::speakers
