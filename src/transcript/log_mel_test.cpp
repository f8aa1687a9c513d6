#include "transcript/log_mel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

namespace narralytica::transcript {
namespace {

// The definition, written out: a direct Fourier sum per frame.
std::vector<float> Reference(const std::vector<float>& samples, const std::vector<float>& filters,
                             size_t bands, size_t frames) {
  const long length = long(frames * LogMel::kHop);
  const auto at = [&](long i) -> double {
    if (i < 0) i = -i;
    if (i >= length) i = 2 * (length - 1) - i;
    return i < long(samples.size()) ? samples[size_t(i)] : 0.0;
  };
  std::vector<float> out(bands * frames);
  double loudest = -10;
  for (size_t frame = 0; frame < frames; ++frame) {
    std::vector<double> power(LogMel::kBins);
    for (size_t k = 0; k < power.size(); ++k) {
      std::complex<double> sum = 0;
      for (long i = 0; i < 400; ++i) {
        const double window = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * double(i) / 400);
        const double turn = -2 * std::numbers::pi * double(k) * double(i) / 400;
        sum += at(long(frame) * 160 + i - 200) * window * std::polar(1.0, turn);
      }
      power[k] = std::norm(sum);
    }
    for (size_t band = 0; band < bands; ++band) {
      double sum = 0;
      for (size_t k = 0; k < power.size(); ++k) sum += filters[band * LogMel::kBins + k] * power[k];
      const double value = std::log10(std::max(sum, 1e-10));
      loudest = std::max(loudest, value);
      out[band * frames + frame] = float(value);
    }
  }
  for (float& value : out) value = (std::max(value, float(loudest - 8)) + 4) / 4;
  return out;
}

std::vector<float> TriangularFilters(size_t bands) {
  std::vector<float> filters(bands * LogMel::kBins, 0.0f);
  for (size_t band = 0; band < bands; ++band) {
    for (size_t i = 0; i < 30; ++i) {
      filters[band * LogMel::kBins + band * 18 + i] = (15.0f - std::abs(15.0f - float(i))) / 900;
    }
  }
  return filters;
}

TEST(LogMel, EqualsTheDefinitionOnNoiseAndTone) {
  constexpr size_t kBands = 9;
  constexpr size_t kFrames = 40;
  std::mt19937 random(7);
  std::uniform_real_distribution<float> noise(-0.1f, 0.1f);
  std::vector<float> samples(4321);  // shorter than 40 frames: the rest is silence
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = noise(random) + 0.5f * std::sin(0.31f * float(i));
  }
  const auto filters = TriangularFilters(kBands);
  std::vector<float> out(kBands * kFrames);
  LogMel(filters, kBands).Compute(samples, kFrames, out);
  const auto expected = Reference(samples, filters, kBands, kFrames);
  for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 2e-3) << i;
}

TEST(LogMel, SilenceIsFlatAtTheFloor) {
  std::vector<float> out(9 * 4);
  LogMel(TriangularFilters(9), 9).Compute({}, 4, out);
  for (const float value : out) EXPECT_FLOAT_EQ(value, (-10.0f + 4.0f) / 4.0f);
}

}  // namespace
}  // namespace narralytica::transcript
