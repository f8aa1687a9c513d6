// The pipeline as data: which stage follows which, and what a video's jobs say about the video.
//
//     ingest ──▶ diarize ──▶ transcribe ──▶ enrich:embedding ──▶ index
//        └─────────────────────┘  └──────────────────────────────┘
//
// Stages never call each other. When a job ends, Advance enqueues, in the same transaction, every
// stage whose needs are now met. An edge that needs `kEnded` lets the video go on without what a
// failed stage would have given: it is then `partial`, and says so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/tx.hpp"
#include "jobs/job.hpp"
#include "jobs/queue.hpp"

namespace narralytica::jobs {

enum class Need { kSucceeded, kEnded };

struct Edge {
  StageName after;
  Need need = Need::kSucceeded;
};

struct StageSpec {
  StageName name;
  std::vector<Edge> needs;  // none: enqueued by whoever accepts the work
  int attempts_max = 5;
  double share = 0;  // of the whole pipeline's time, for progress and ETA; they add up to 1
};

// A job of its own beside the flow: makes a recording's files again; nothing follows, and the
// recording stays what it was whatever comes of it.
inline const StageName kPrepareAgain{"ingest", "repair"};

// In the order of the flow.
const std::vector<StageSpec>& Pipeline();

// Enqueues the stages that `ended` makes due. `jobs` are all jobs of the video, `ended` included
// with its new status.
Status Advance(access::Tx& tx, Queue& queue, const Job& ended, const std::vector<Job>& jobs);

// On the wire: "queued", "processing", "ready", "partial", "failed".
std::string_view VideoStatusOf(const std::vector<Job>& jobs);

// True once the newest index job of the video succeeded.
bool IsSearchable(const std::vector<Job>& jobs);
// True when nothing of the video is queued or running and nothing more will be.
bool HasSettled(const std::vector<Job>& jobs);

// Progress of the whole video, 0 to 1.
double OverallProgress(const std::vector<Job>& jobs);

}  // namespace narralytica::jobs
