#include "media/audio_block.hpp"

#include <algorithm>
#include <cmath>

namespace narralytica::media {

void MixToMono(const AudioBlock& block, std::vector<float>& mono) {
  mono = block.planes[0];
  if (block.channels == 1) return;
  for (size_t i = 0; i < mono.size(); ++i) mono[i] = 0.5F * (mono[i] + block.planes[1][i]);
}

void Quantize(std::span<const float> samples, int16_t* quantized, size_t stride) {
  for (size_t i = 0; i < samples.size(); ++i) {
    const float scaled = std::clamp(samples[i] * 32'768.0F, -32'768.0F, 32'767.0F);
    quantized[i * stride] = static_cast<int16_t>(std::lrintf(scaled));
  }
}

}  // namespace narralytica::media
