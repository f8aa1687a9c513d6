#include "speakers/voice_features.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include "base/result.hpp"
#include "speakers/frames.hpp"
#include "transcript/power_spectrum.hpp"

namespace narralytica::speakers {
namespace {

constexpr size_t kFft = 512;
constexpr size_t kWindow = kFeatureWindowSamples;
constexpr double kLowHz = 20;
constexpr double kHighHz = 8'000;
constexpr float kPreemphasis = 0.97f;
constexpr float kFloor = 1.1920929e-7f;  // epsilon of float, as Kaldi has it

using Spectrum = transcript::PowerSpectrum<kFft, 4, 4, 4, 4, 2>;
constexpr size_t kFramesAtOnce = Spectrum::kFramesAtOnce;

struct Band {  // the stretch of a triangle that is not zero
  size_t first = 0;
  std::vector<float> weights;
};

double Mel(double hertz) { return 1127 * std::log(1 + hertz / 700); }

struct Tables {
  std::array<float, kWindow> hamming;
  std::array<Band, kFeatureBands> bands;

  Tables() {
    for (size_t i = 0; i < kWindow; ++i) {
      hamming[i] = float(0.54 - 0.46 * std::cos(2 * std::numbers::pi * double(i) / (kWindow - 1)));
    }
    const double low = Mel(kLowHz);
    const double step = (Mel(kHighHz) - low) / (kFeatureBands + 1);
    for (size_t band = 0; band < kFeatureBands; ++band) {
      const double left = low + double(band) * step;
      for (size_t bin = 0; bin < kFft / 2; ++bin) {  // Kaldi leaves the last bin out
        const double mel = Mel(double(bin) * double(kSampleRate) / double(kFft));
        const double weight = std::min((mel - left) / step, (left + 2 * step - mel) / step);
        if (weight <= 0) continue;
        if (bands[band].weights.empty()) bands[band].first = bin;
        bands[band].weights.push_back(float(weight));
      }
    }
  }
};

void SetFrame(Spectrum& spectrum, size_t lane, std::span<const int16_t> samples,
              const Tables& tables) {
  float mean = 0;
  for (const int16_t sample : samples) mean += float(sample);
  mean /= float(kWindow);
  float before = float(samples[0]) - mean;
  for (size_t i = 0; i < kWindow; ++i) {
    const float now = float(samples[i]) - mean;
    spectrum.Set(lane, i, (now - kPreemphasis * before) * tables.hamming[i]);
    before = now;
  }
  for (size_t i = kWindow; i < kFft; ++i) spectrum.Set(lane, i, 0);
}

}  // namespace

std::vector<float> VoiceFeatures(std::span<const int16_t> samples) {
  if (samples.size() < kWindow) return {};
  static const Tables tables;
  const size_t frames = 1 + (samples.size() - kWindow) / kFeatureSamples;
  std::vector<float> features(frames * kFeatureBands);
  const auto spectrum = std::make_unique<Spectrum>();
  for (size_t begin = 0; begin < frames; begin += kFramesAtOnce) {
    const size_t count = std::min(kFramesAtOnce, frames - begin);
    for (size_t lane = 0; lane < kFramesAtOnce; ++lane) {
      const size_t frame = begin + std::min(lane, count - 1);
      SetFrame(*spectrum, lane, samples.subspan(frame * kFeatureSamples, kWindow), tables);
    }
    const Spectrum::Powers& powers = spectrum->Run();
    for (size_t band = 0; band < kFeatureBands; ++band) {
      std::array<float, kFramesAtOnce> sums{};
      const Band& filter = tables.bands[band];
      for (size_t i = 0; i < filter.weights.size(); ++i) {
        const auto& bin = powers[filter.first + i];
        for (size_t lane = 0; lane < kFramesAtOnce; ++lane) {
          sums[lane] += filter.weights[i] * bin[lane];
        }
      }
      for (size_t lane = 0; lane < count; ++lane) {
        features[(begin + lane) * kFeatureBands + band] = std::log(std::max(sums[lane], kFloor));
      }
    }
  }
  return features;
}

void FeatureMean::Add(std::span<const float> features) {
  NRL_ASSERT(features.size() % kFeatureBands == 0);
  for (size_t i = 0; i < features.size(); ++i) sums_[i % kFeatureBands] += double(features[i]);
  frames_ += std::ssize(features) / std::ssize(sums_);
}

std::array<float, kFeatureBands> FeatureMean::Mean() const {
  std::array<float, kFeatureBands> mean{};
  if (frames_ == 0) return mean;
  for (size_t band = 0; band < kFeatureBands; ++band) {
    mean[band] = float(sums_[band] / double(frames_));
  }
  return mean;
}

}  // namespace narralytica::speakers
