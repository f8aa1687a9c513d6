#include "transcript/log_mel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>

#include "base/result.hpp"
#include "transcript/power_spectrum.hpp"

namespace narralytica::transcript {
namespace {

constexpr size_t kFft = LogMel::kFft;
constexpr float kFloor = 1e-10f;

using Spectrum = PowerSpectrum<kFft, 4, 4, 5, 5>;
constexpr size_t kFramesAtOnce = Spectrum::kFramesAtOnce;

std::array<float, kFft> HannWindow() {
  std::array<float, kFft> window;
  for (size_t i = 0; i < kFft; ++i) {
    window[i] = float(0.5 - 0.5 * std::cos(2 * std::numbers::pi * double(i) / kFft));
  }
  return window;
}

}  // namespace

LogMel::LogMel(std::vector<float> filters, size_t bands) : bands_(bands), filters_(bands) {
  NRL_ASSERT(filters.size() == bands * kBins);
  for (size_t band = 0; band < bands; ++band) {
    const std::span row = std::span(filters).subspan(band * kBins, kBins);
    const auto nonzero = [](float weight) { return weight != 0; };
    const auto first = std::ranges::find_if(row, nonzero);
    const auto last = std::find_if(row.rbegin(), row.rend(), nonzero).base();
    if (first >= last) continue;
    filters_[band] = {size_t(first - row.begin()), std::vector<float>(first, last)};
  }
}

void LogMel::Compute(std::span<const float> samples, size_t frames, std::span<float> out) const {
  NRL_ASSERT(frames >= 2 && out.size() == bands_ * frames);
  constexpr size_t kPad = kFft / 2;
  const size_t length = frames * kHop;
  std::vector<float> padded(length + kFft, 0.0f);
  const size_t used = std::min(samples.size(), length);
  std::copy_n(samples.begin(), used, padded.begin() + kPad);
  for (size_t i = 1; i <= kPad; ++i) {
    padded[kPad - i] = padded[kPad + i];
    padded[kPad + length - 1 + i] = padded[kPad + length - 1 - i];
  }
  // Behind the last sample everything is silence.
  const size_t voiced = used + kPad < length ? std::min(frames, (used + kPad) / kHop + 1) : frames;
  static const std::array<float, kFft> window = HannWindow();
  const auto spectrum = std::make_unique<Spectrum>();
  float loudest = std::log10(kFloor);
  for (size_t begin = 0; begin < voiced; begin += kFramesAtOnce) {
    const size_t count = std::min(kFramesAtOnce, voiced - begin);
    for (size_t i = 0; i < kFft; ++i) {
      for (size_t lane = 0; lane < kFramesAtOnce; ++lane) {
        spectrum->Set(lane, i, lane < count ? padded[(begin + lane) * kHop + i] * window[i] : 0.0f);
      }
    }
    const Spectrum::Powers& powers = spectrum->Run();
    for (size_t band = 0; band < bands_; ++band) {
      std::array<float, kFramesAtOnce> sums{};
      const Band& filter = filters_[band];
      for (size_t i = 0; i < filter.weights.size(); ++i) {
        const auto& bin = powers[filter.first + i];
        for (size_t lane = 0; lane < kFramesAtOnce; ++lane) {
          sums[lane] += filter.weights[i] * bin[lane];
        }
      }
      for (size_t lane = 0; lane < count; ++lane) {
        const float value = std::log10(std::max(sums[lane], kFloor));
        loudest = std::max(loudest, value);
        out[band * frames + begin + lane] = value;
      }
    }
  }
  for (size_t band = 0; band < bands_; ++band) {
    const auto row = out.subspan(band * frames, frames);
    std::ranges::fill(row.subspan(voiced), std::log10(kFloor));
    for (float& value : row) value = (std::max(value, loudest - 8.0f) + 4.0f) / 4.0f;
  }
}

}  // namespace narralytica::transcript
