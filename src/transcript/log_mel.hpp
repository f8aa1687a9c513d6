// Whisper's front end: 16 kHz samples -> log-mel spectrogram (Radford et al. 2022, section 2.2;
// the reference program's whisper/audio.py).
//
// Frames of 400 samples (periodic Hann) every 160, reflected at both ends; power spectrum; 80 (or
// 128) mel bands; log10 clamped at 1e-10 and at 8 below the window's maximum; (x + 4) / 4.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace narralytica::transcript {

class LogMel {
 public:
  static constexpr size_t kFft = 400;
  static constexpr size_t kHop = 160;
  static constexpr size_t kBins = kFft / 2 + 1;

  // `filters` is [bands, 201], row-major.
  LogMel(std::vector<float> filters, size_t bands);

  size_t bands() const { return bands_; }

  // Fills `out` [bands, frames] from `samples` (-1..1) followed by silence up to frames * 160
  // samples; samples beyond that are not looked at. At least 201 samples of context are needed
  // (frames >= 2). Thread-safe; the result does not depend on the thread.
  void Compute(std::span<const float> samples, size_t frames, std::span<float> out) const;

 private:
  struct Band {  // the non-zero stretch of a filter
    size_t first = 0;
    std::vector<float> weights;
  };
  size_t bands_;
  std::vector<Band> filters_;
};

}  // namespace narralytica::transcript
