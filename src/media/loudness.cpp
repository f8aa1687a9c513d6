#include "media/loudness.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace narralytica::media {
namespace {

constexpr int64_t kStepSamples = Loudness::kSampleRate / 10;
constexpr double kOffset = -0.691;
constexpr double kAbsoluteGate = -70;
constexpr double kRelativeGate = 0.1;  // 10 LU, as a ratio of powers

double LoudnessOf(double power) { return kOffset + 10 * std::log10(power); }

double MeanAbove(const std::vector<double>& powers, double threshold) {
  double sum = 0;
  int64_t count = 0;
  for (const double power : powers) {
    if (power <= threshold) continue;
    sum += power;
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace

void Loudness::Add(const AudioBlock& block) {
  for (size_t i = 0; i < block.samples(); ++i) {
    for (int c = 0; c < channels_; ++c) {
      KFilter& filter = filters_[static_cast<size_t>(c)];
      const double weighted = filter.high_pass.Step(filter.shelf.Step(block.planes[c][i]));
      step_energy_ += weighted * weighted;
    }
    if (++step_samples_ < kStepSamples) continue;
    last_steps_[static_cast<size_t>(steps_ % 4)] = step_energy_;
    ++steps_;
    step_energy_ = 0;
    step_samples_ = 0;
    if (steps_ < 4) continue;
    const double power = std::accumulate(last_steps_.begin(), last_steps_.end(), 0.0) /
                         static_cast<double>(4 * kStepSamples);
    if (power > 0 && LoudnessOf(power) > kAbsoluteGate) block_powers_.push_back(power);
  }
}

std::optional<double> Loudness::Integrated() const {
  const double ungated = MeanAbove(block_powers_, 0);
  if (ungated == 0) return std::nullopt;
  return LoudnessOf(MeanAbove(block_powers_, ungated * kRelativeGate));
}

}  // namespace narralytica::media
