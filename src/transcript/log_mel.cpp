#include "transcript/log_mel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>

#include "base/result.hpp"

namespace narralytica::transcript {
namespace {

constexpr size_t kFft = LogMel::kFft;
constexpr size_t kBins = LogMel::kBins;
constexpr float kFloor = 1e-10f;

// Frames transformed side by side: the innermost loop runs over lanes, so that it vectorises.
constexpr size_t kLanes = 8;
// Each complex lane carries two real frames.
constexpr size_t kFramesAtOnce = 2 * kLanes;

struct Lanes {
  std::array<float, kLanes> re;
  std::array<float, kLanes> im;
};
using Signal = std::array<Lanes, kFft>;

struct Tables {
  std::array<float, kFft> window;
  std::array<float, kFft> cos;  // of -2 pi i / 400
  std::array<float, kFft> sin;

  Tables() {
    for (size_t i = 0; i < kFft; ++i) {
      const double turn = 2 * std::numbers::pi * double(i) / kFft;
      window[i] = float(0.5 - 0.5 * std::cos(turn));
      cos[i] = float(std::cos(turn));
      sin[i] = float(-std::sin(turn));
    }
  }
};

const Tables& GetTables() {
  static const Tables tables;
  return tables;
}

// One pass of Stockham's mixed-radix transform (decimation in time): `done` is the product of the
// radices already applied. Reads `in`, writes `out` in the next order.
template <size_t kRadix>
void Pass(const Tables& tables, size_t done, const Signal& in, Signal& out) {
  const size_t stride = kFft / kRadix;
  const size_t groups = stride / done;
  for (size_t group = 0; group < groups; ++group) {
    for (size_t k = 0; k < done; ++k) {
      for (size_t q = 0; q < kRadix; ++q) {
        Lanes sum = in[group * done + k];
        // Output index k + q * done of a transform of length done * kRadix.
        const size_t step = (k + q * done) * groups;
        for (size_t r = 1; r < kRadix; ++r) {
          const size_t turn = step * r % kFft;
          const float c = tables.cos[turn];
          const float s = tables.sin[turn];
          const Lanes& x = in[(group + r * groups) * done + k];
          for (size_t lane = 0; lane < kLanes; ++lane) {
            sum.re[lane] += c * x.re[lane] - s * x.im[lane];
            sum.im[lane] += c * x.im[lane] + s * x.re[lane];
          }
        }
        out[group * done * kRadix + k + q * done] = sum;
      }
    }
  }
}

// In-place transform of all lanes; 400 = 4 * 4 * 5 * 5.
void Transform(Signal& signal, Signal& scratch) {
  const Tables& tables = GetTables();
  Pass<4>(tables, 1, signal, scratch);
  Pass<4>(tables, 4, scratch, signal);
  Pass<5>(tables, 16, signal, scratch);
  Pass<5>(tables, 80, scratch, signal);
}

using Powers = std::array<std::array<float, kFramesAtOnce>, kBins>;

// Two real signals packed as one complex come apart by symmetry: A = (Z[k] + Z*[N-k]) / 2,
// B = (Z[k] - Z*[N-k]) / 2i.
void SplitPowers(const Signal& signal, Powers& powers) {
  for (size_t k = 0; k < kBins; ++k) {
    const Lanes& low = signal[k];
    const Lanes& high = signal[(kFft - k) % kFft];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float a_re = 0.5f * (low.re[lane] + high.re[lane]);
      const float a_im = 0.5f * (low.im[lane] - high.im[lane]);
      const float b_re = 0.5f * (low.im[lane] + high.im[lane]);
      const float b_im = 0.5f * (high.re[lane] - low.re[lane]);
      powers[k][lane] = a_re * a_re + a_im * a_im;
      powers[k][kLanes + lane] = b_re * b_re + b_im * b_im;
    }
  }
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
  const Tables& tables = GetTables();
  auto signal = std::make_unique<Signal>();
  auto scratch = std::make_unique<Signal>();
  auto powers = std::make_unique<Powers>();
  float loudest = std::log10(kFloor);
  for (size_t begin = 0; begin < voiced; begin += kFramesAtOnce) {
    const size_t count = std::min(kFramesAtOnce, voiced - begin);
    for (size_t i = 0; i < kFft; ++i) {
      for (size_t lane = 0; lane < kFramesAtOnce; ++lane) {
        const float value =
            lane < count ? padded[(begin + lane) * kHop + i] * tables.window[i] : 0.0f;
        (lane < kLanes ? (*signal)[i].re : (*signal)[i].im)[lane % kLanes] = value;
      }
    }
    Transform(*signal, *scratch);
    SplitPowers(*signal, *powers);
    for (size_t band = 0; band < bands_; ++band) {
      std::array<float, kFramesAtOnce> sums{};
      const Band& filter = filters_[band];
      for (size_t i = 0; i < filter.weights.size(); ++i) {
        const auto& bin = (*powers)[filter.first + i];
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
