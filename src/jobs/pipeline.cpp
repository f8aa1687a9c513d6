#include "jobs/pipeline.hpp"

#include <algorithm>

namespace narralytica::jobs {
namespace {

// The newest job of a stage; null without one.
const Job* Newest(const std::vector<Job>& jobs, const StageName& stage) {
  const Job* newest = nullptr;
  for (const Job& job : jobs) {
    if (job.stage == stage && (newest == nullptr || newest->id < job.id)) newest = &job;
  }
  return newest;
}

bool IsMet(const Edge& edge, const std::vector<Job>& jobs) {
  const Job* job = Newest(jobs, edge.after);
  if (job == nullptr || !HasEnded(job->status)) return false;
  return edge.need == Need::kEnded || job->status == JobStatus::kSucceeded;
}

bool Follows(const StageSpec& spec, const StageName& stage) {
  return std::ranges::any_of(spec.needs, [&](const Edge& edge) { return edge.after == stage; });
}

bool HasFailed(const Job* job) {
  return job != nullptr &&
         (job->status == JobStatus::kFailed || job->status == JobStatus::kCanceled);
}

}  // namespace

const std::vector<StageSpec>& Pipeline() {
  static const StageName ingest{"ingest", ""};
  static const StageName diarize{"diarize", ""};
  static const StageName transcribe{"transcribe", ""};
  static const StageName embedding{"enrich", "embedding"};
  static const StageName index{"index", ""};
  static const std::vector<StageSpec> stages{
      {ingest, {}, 5, 0.05},
      {diarize, {{ingest, Need::kSucceeded}}, 5, 0.30},
      {transcribe, {{ingest, Need::kSucceeded}, {diarize, Need::kEnded}}, 8, 0.50},
      {embedding, {{transcribe, Need::kSucceeded}}, 5, 0.12},
      {index, {{transcribe, Need::kSucceeded}, {embedding, Need::kEnded}}, 8, 0.03},
  };
  return stages;
}

Status Advance(access::Tx& tx, Queue& queue, const Job& ended, const std::vector<Job>& jobs) {
  for (const StageSpec& spec : Pipeline()) {
    if (!Follows(spec, ended.stage)) continue;
    const bool due =
        std::ranges::all_of(spec.needs, [&](const Edge& edge) { return IsMet(edge, jobs); });
    if (!due) continue;
    const NewJob next{.stage = spec.name,
                      .video = ended.video,
                      .payload = ended.payload,  // what was asked for when the work was accepted
                      .priority = 0,
                      .attempts_max = spec.attempts_max,
                      .unique_key = spec.name.Label() + ":" + ended.video.str()};
    NRL_CHECK(queue.Enqueue(tx, next));
  }
  return {};
}

std::string_view VideoStatusOf(const std::vector<Job>& jobs) {
  const Job* ingest = Newest(jobs, {"ingest", ""});
  if (HasFailed(ingest) || HasFailed(Newest(jobs, {"transcribe", ""}))) return "failed";
  if (!HasSettled(jobs)) {
    const bool waiting =
        ingest != nullptr && ingest->status == JobStatus::kQueued && ingest->attempts == 0;
    return waiting ? "queued" : "processing";
  }
  if (!IsSearchable(jobs)) return "failed";
  for (const StageSpec& spec : Pipeline()) {
    if (HasFailed(Newest(jobs, spec.name))) return "partial";
  }
  return "ready";
}

bool IsSearchable(const std::vector<Job>& jobs) {
  const Job* index = Newest(jobs, {"index", ""});
  return index != nullptr && index->status == JobStatus::kSucceeded;
}

bool HasSettled(const std::vector<Job>& jobs) {
  return !jobs.empty() &&
         std::ranges::all_of(jobs, [](const Job& job) { return HasEnded(job.status); });
}

double OverallProgress(const std::vector<Job>& jobs) {
  double done = 0;
  for (const StageSpec& spec : Pipeline()) {
    const Job* job = Newest(jobs, spec.name);
    if (job == nullptr) continue;
    done += spec.share * (HasEnded(job->status) ? 1.0 : job->progress);
  }
  return done;
}

}  // namespace narralytica::jobs
