// What the voice trunk hears: Kaldi's filter bank (Povey et al. 2011, "The Kaldi speech recognition
// toolkit"; compute-fbank-feats) with a Hamming window, 25 ms every 10 ms, 80 mel bands from 20 Hz
// to 8 kHz, no dither, natural logarithm.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace narralytica::speakers {

inline constexpr size_t kFeatureBands = 80;

// [frames][kFeatureBands] of 16 kHz samples: 1 + (samples - 400) / 160 frames, none of fewer than
// 400 samples. Thread-safe.
std::vector<float> VoiceFeatures(std::span<const int16_t> samples);

// The mean over a recording, which is subtracted from its features; computed piece by piece.
class FeatureMean {
 public:
  // `features` as VoiceFeatures gives them.
  void Add(std::span<const float> features);
  // Zeros without any frame.
  std::array<float, kFeatureBands> Mean() const;

 private:
  std::array<double, kFeatureBands> sums_{};
  int64_t frames_ = 0;
};

}  // namespace narralytica::speakers
