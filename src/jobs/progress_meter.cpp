#include "jobs/progress_meter.hpp"

#include <algorithm>

namespace narralytica::jobs {
namespace {

constexpr double kFractionMax = 0.999;
// An ETA from less than this much progress would be a guess.
constexpr double kEtaFractionMin = 0.01;

}  // namespace

void ProgressMeter::Update(double fraction, std::string_view step, int64_t now_ms) {
  progress_.fraction = std::clamp(fraction, progress_.fraction, kFractionMax);
  if (step != progress_.stage) {
    progress_.stage = step;
    progress_.eta_ms.reset();
    step_began_at_ = progress_.fraction;
    step_began_ms_ = now_ms;
    return;
  }
  const double done = progress_.fraction - step_began_at_;
  if (done < kEtaFractionMin) return;
  const auto took_ms = static_cast<double>(now_ms - step_began_ms_);
  progress_.eta_ms = static_cast<int64_t>(took_ms * (1 - progress_.fraction) / done);
}

}  // namespace narralytica::jobs
