// Integrated loudness by ITU-R BS.1770-4: K-weighting, 400 ms blocks every 100 ms, an absolute gate
// at -70 LUFS and a relative gate 10 LU below the mean of what passed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "media/audio_block.hpp"

namespace narralytica::media {

class Loudness {
 public:
  // The filters below are those the recommendation gives for this rate.
  static constexpr int64_t kSampleRate = 48'000;

  explicit Loudness(int channels) : channels_(channels) {}
  void Add(const AudioBlock& block);
  // LUFS; absent when nothing is louder than the gate or it lasts less than 400 ms.
  std::optional<double> Integrated() const;

 private:
  struct Biquad {
    double b0, b1, b2, a1, a2;
    double z1 = 0, z2 = 0;
    double Step(double x) {
      const double y = b0 * x + z1;
      z1 = b1 * x - a1 * y + z2;
      z2 = b2 * x - a2 * y;
      return y;
    }
  };
  struct KFilter {
    Biquad shelf{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241,
                 0.73248077421585};
    Biquad high_pass{1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621};
  };

  int channels_;
  std::array<KFilter, 2> filters_{};
  double step_energy_ = 0;  // sum of squares in the current 100 ms
  int64_t step_samples_ = 0;
  std::array<double, 4> last_steps_{};
  int64_t steps_ = 0;
  std::vector<double> block_powers_;  // mean square per 400 ms block above the absolute gate
};

}  // namespace narralytica::media
