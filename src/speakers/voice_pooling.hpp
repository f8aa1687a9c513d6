// Frames of the voice trunk, pooled into voices.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "speakers/voice_chunk.hpp"

namespace narralytica::speakers {

inline constexpr size_t kTrunkChannels = 2'560;
inline constexpr size_t kPooledChannels = 2 * kTrunkChannels;  // means, then deviations

// Weighted mean and unbiased weighted deviation of frames, then the model's last layer.
class VoicePooling {
 public:
  // `head` is [kPooledChannels][kVoiceDimension], then the bias.
  explicit VoicePooling(std::span<const float> head) : head_(head) {}

  // `frames` is [weights.size()][kTrunkChannels]. All zeros when the weights are.
  Voice Pool(std::span<const float> frames, std::span<const float> weights) const;

 private:
  std::span<const float> head_;
};

// To length 1; zeros stay zeros.
void Normalise(Voice& voice);
float Dot(const Voice& a, const Voice& b);

}  // namespace narralytica::speakers
