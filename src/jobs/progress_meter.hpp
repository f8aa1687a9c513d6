// How far a running job is, and how long it still takes by the rate measured so far.
#pragma once

#include <cstdint>
#include <string_view>

#include "jobs/queue.hpp"

namespace narralytica::jobs {

// The rate is that of the current step ("transcribing"): what loading a model took, or a checkpoint
// brought at once, says nothing about the work ahead. Until a step has moved there is no ETA.
// Not thread-safe.
class ProgressMeter {
 public:
  // `fraction` of the whole job in 0..1; it never goes back, and stays below 1: the end is said by
  // the job's commit alone.
  void Update(double fraction, std::string_view step, int64_t now_ms);
  // Of an ingest job, as on the wire: "downloading", "processing", "storing".
  void SetPhase(std::string_view phase) { progress_.phase = phase; }
  const JobProgress& progress() const { return progress_; }

 private:
  JobProgress progress_;
  double step_began_at_ = 0;  // fraction
  int64_t step_began_ms_ = 0;
};

}  // namespace narralytica::jobs
