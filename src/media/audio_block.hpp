// A stretch of sound as the media child passes it on: one or two planes of float samples, full
// scale 1.0, always finite. Private to the media child.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace narralytica::media {

struct AudioBlock {
  int channels = 1;
  std::array<std::vector<float>, 2> planes;  // the first `channels` hold samples, equally many

  size_t samples() const { return planes[0].size(); }
  void Assign(int new_channels, size_t samples, float value = 0) {
    channels = new_channels;
    for (int c = 0; c < 2; ++c) planes[c].assign(c < channels ? samples : 0, value);
  }
};

// The mean of the channels.
void MixToMono(const AudioBlock& block, std::vector<float>& mono);
// 16-bit samples, rounded to nearest, clipped; exact for what came from 16 bits. Sample i goes to
// quantized[i * stride].
void Quantize(std::span<const float> samples, int16_t* quantized, size_t stride = 1);

}  // namespace narralytica::media
