// What a job is: the unit of durable work, and the states it goes through.
//
//     queued ──claim──▶ running ──▶ succeeded
//       ▲                  │ ├────▶ failed      (permanent, or attempts used up: dead_letter)
//       └──retry, release──┘ └────▶ canceled
//
// A waiting retry is `queued` with a later run_at. Every claim bumps lease_epoch; whoever holds an
// older epoch can no longer write anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/time.hpp"

namespace narralytica::jobs {

// On the wire: "queued", "running", "succeeded", "failed", "canceled".
enum class JobStatus { kQueued, kRunning, kSucceeded, kFailed, kCanceled };
std::string_view ToString(JobStatus status);
JobStatus JobStatusFromTrusted(std::string_view text);
inline bool HasEnded(JobStatus status) {
  return status != JobStatus::kQueued && status != JobStatus::kRunning;
}

// A node of the pipeline: type as on the wire, and for `enrich` the layer kind.
struct StageName {
  std::string type;  // "ingest", "transcribe", "diarize", "enrich", "index"
  std::string kind;  // "embedding" for enrich, else ""
  auto operator<=>(const StageName&) const = default;
  std::string Label() const { return kind.empty() ? type : type + ":" + kind; }
};

struct JobError {
  std::string code;  // ErrorCode on the wire
  std::string reason;
  std::string message;
  std::string hint;
};

struct Job {
  JobId id;
  TenantId tenant;
  StageName stage;
  VideoId video;
  JobStatus status = JobStatus::kQueued;
  std::string ingestion_phase;  // "downloading", "processing", "storing", or ""
  std::string payload;          // JSON, the stage's own
  std::string trace;
  int attempts = 0;
  int attempts_max = 1;
  double progress = 0;  // 0 to 1, never falls within an attempt
  std::string progress_stage;
  std::optional<int64_t> eta_ms;
  std::optional<JobError> error;
  bool dead_letter = false;
  bool cancel_requested = false;
  UtcMs created_at, queued_at, updated_at, run_at;
  std::optional<UtcMs> started_at, finished_at;
};

// The right to work on a job until it is lost; carried by every write on its behalf.
struct Lease {
  JobId job;
  TenantId tenant;
  RunId run;
  WorkerId worker;
  int64_t epoch = 0;
};

struct NewJob {
  StageName stage;
  VideoId video;
  std::string payload = "{}";
  // kPriorityMin to kPriorityMax, cut to that: a head start of a bounded time before less urgent
  // work (jobs.priority_wait_ms_max), not a queue of its own.
  int priority = 0;
  int attempts_max = 5;
  // While a job with this key is queued or running, enqueueing again returns that job.
  std::string unique_key;
  // What it burdens outside ("example.org"): of each at most jobs.service_running_max run at once.
  std::string service = {};
};

inline constexpr int kPriorityMin = -10;
inline constexpr int kPriorityMax = 10;

}  // namespace narralytica::jobs
