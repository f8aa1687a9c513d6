// Power spectra of real frames, sixteen at a time: Stockham's mixed-radix transform (Stockham
// 1966), eight complex lanes side by side so that the innermost loops vectorise, two real frames a
// lane.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

namespace narralytica::transcript {

// The product of kRadices is kFft. Not thread-safe; large: keep it on the heap.
template <size_t kFft, size_t... kRadices>
class PowerSpectrum {
 public:
  static constexpr size_t kBins = kFft / 2 + 1;
  static constexpr size_t kFramesAtOnce = 16;
  using Powers = std::array<std::array<float, kFramesAtOnce>, kBins>;

  void Set(size_t frame, size_t sample, float value) {
    Lanes& lanes = first_[sample];
    (frame < kLanes ? lanes.re : lanes.im)[frame % kLanes] = value;
  }

  // Of what was set; every sample of every frame must be set anew before the next call.
  const Powers& Run() {
    const Signal* signal = Transform();
    Split(*signal);
    return powers_;
  }

 private:
  static_assert((kRadices * ...) == kFft);
  static constexpr size_t kLanes = kFramesAtOnce / 2;

  struct Lanes {
    std::array<float, kLanes> re;
    std::array<float, kLanes> im;
  };
  using Signal = std::array<Lanes, kFft>;

  struct Tables {
    std::array<float, kFft> cos;  // of -2 pi i / kFft
    std::array<float, kFft> sin;
    Tables() {
      for (size_t i = 0; i < kFft; ++i) {
        const double turn = 2 * std::numbers::pi * double(i) / kFft;
        cos[i] = float(std::cos(turn));
        sin[i] = float(-std::sin(turn));
      }
    }
  };

  static const Tables& GetTables() {
    static const Tables tables;
    return tables;
  }

  // One pass (decimation in time): `done` is the product of the radices already applied. Reads
  // `in`, writes `out` in the next order.
  template <size_t kRadix>
  static void Pass(size_t done, const Signal& in, Signal& out) {
    const Tables& tables = GetTables();
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

  const Signal* Transform() {
    Signal* in = &first_;
    Signal* out = &second_;
    size_t done = 1;
    const auto pass = [&]<size_t kRadix>() {
      Pass<kRadix>(done, *in, *out);
      done *= kRadix;
      std::swap(in, out);
    };
    (pass.template operator()<kRadices>(), ...);
    return in;
  }

  // Two real signals packed as one complex come apart by symmetry: A = (Z[k] + Z*[N-k]) / 2,
  // B = (Z[k] - Z*[N-k]) / 2i.
  void Split(const Signal& signal) {
    for (size_t k = 0; k < kBins; ++k) {
      const Lanes& low = signal[k];
      const Lanes& high = signal[(kFft - k) % kFft];
      for (size_t lane = 0; lane < kLanes; ++lane) {
        const float a_re = 0.5f * (low.re[lane] + high.re[lane]);
        const float a_im = 0.5f * (low.im[lane] - high.im[lane]);
        const float b_re = 0.5f * (low.im[lane] + high.im[lane]);
        const float b_im = 0.5f * (high.re[lane] - low.re[lane]);
        powers_[k][lane] = a_re * a_re + a_im * a_im;
        powers_[k][kLanes + lane] = b_re * b_re + b_im * b_im;
      }
    }
  }

  Signal first_;
  Signal second_;
  Powers powers_;
};

}  // namespace narralytica::transcript
