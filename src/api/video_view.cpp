#include "api/video_view.hpp"

#include <algorithm>

#include "api/wire.hpp"
#include "jobs/pipeline.hpp"
#include "media/media_warning.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::api {
namespace {

// Intake and loading the model tell nothing of how long the rest takes.
constexpr double kEtaFractionMin = 0.1;

const jobs::Job* NewestOf(const std::vector<jobs::Job>& jobs, const jobs::StageName& stage) {
  const jobs::Job* newest = nullptr;
  for (const jobs::Job& job : jobs) {
    if (job.stage == stage && (newest == nullptr || newest->id < job.id)) newest = &job;
  }
  return newest;
}

Json NoProgress() { return {{"fraction", 0}, {"eta_ms", nullptr}, {"stage", ""}}; }

Json StagesJson(const std::vector<jobs::Job>& jobs) {
  Json stages = Json::array();
  for (const jobs::StageSpec& spec : jobs::Pipeline()) {
    const jobs::Job* job = NewestOf(jobs, spec.name);
    stages.push_back({{"type", spec.name.type},
                      {"kind", OrNull(spec.name.kind)},
                      {"status", job ? Json(jobs::ToString(job->status)) : Json("pending")},
                      {"job_id", job ? Json(job->id.str()) : Json()},
                      {"progress", job ? JobJson(*job)["progress"] : NoProgress()},
                      {"error", job ? JobErrorJson(job->error, job->trace) : Json()}});
  }
  return stages;
}

Json ProgressJson(const std::vector<jobs::Job>& jobs, UtcMs now) {
  const double fraction = jobs::OverallProgress(jobs);
  const auto eta = jobs::HasSettled(jobs) ? std::nullopt : EtaMs(jobs, fraction, now);
  return {{"fraction", std::clamp(fraction, 0.0, 1.0)},
          {"eta_ms", OrNull(eta)},
          {"stage", CurrentStage(jobs)}};
}

// Why the recording is not complete: the first stage that ended badly.
Json VideoErrorJson(const std::vector<jobs::Job>& jobs) {
  for (const jobs::StageSpec& spec : jobs::Pipeline()) {
    const jobs::Job* job = NewestOf(jobs, spec.name);
    if (job == nullptr) continue;
    if (job->status == jobs::JobStatus::kFailed) return JobErrorJson(job->error, job->trace);
    if (job->status == jobs::JobStatus::kCanceled) {
      const jobs::JobError canceled{"canceled", "", "canceled", "retry its job to start it again"};
      return JobErrorJson(canceled, job->trace);
    }
  }
  return nullptr;
}

Json ArtifactsJson(const std::vector<media::Artifact>& artifacts) {
  Json items = Json::array();
  for (const media::Artifact& artifact : artifacts) {
    items.push_back({{"kind", artifact.kind},
                     {"content_type", artifact.content_type},
                     {"size_bytes", artifact.object.bytes},
                     {"checksum", "sha256:" + artifact.object.sha256}});
  }
  return items;
}

// What was odd about the recording when it was prepared.
Json WarningsJson(const std::vector<media::Artifact>& artifacts) {
  Json items = Json::array();
  for (const media::Artifact& artifact : artifacts) {
    if (!artifact.detail.contains("warnings")) continue;
    for (const auto& code : artifact.detail["warnings"]) {
      const auto message = media::WarningMessage(code.get_ref<const std::string&>());
      if (message) items.push_back({{"code", code}, {"message", *message}});
    }
  }
  return items;
}

}  // namespace

Result<VideoView> LoadVideoView(access::Tx& tx, jobs::Queue& queue, media::Video video) {
  VideoView view;
  view.video = std::move(video);
  NRL_TRY(view.source, source::SourceOfVideo(tx, view.video.id));
  NRL_TRY(view.artifacts, media::ArtifactsOf(tx, view.video.id));
  NRL_TRY(view.jobs, queue.OfVideo(tx, view.video.id));
  const auto current = transcript::CurrentTranscript(tx, view.video.id);
  if (current) {
    view.transcript = current->id;
  } else if (current.error().code != ErrorCode::kNotFound) {
    return Fail(current);
  }
  return view;
}

Json VideoJson(const VideoView& view, UtcMs now) {
  const media::Video& video = view.video;
  return {{"video_id", video.id.str()},
          {"status", video.status},
          {"title", video.title},
          {"language", OrNull(video.language)},
          {"duration_ms", OrNull(video.duration_ms)},
          {"published_at", OrNull(video.published_at)},
          {"created_at", FormatRfc3339(video.created_at)},
          {"updated_at", FormatRfc3339(video.updated_at)},
          {"source",
           {{"kind", view.source.kind},
            {"locator", view.source.locator},
            {"external_id", OrNull(view.source.external_id)},
            {"size_bytes", view.source.bytes}}},
          {"artifacts", ArtifactsJson(view.artifacts)},
          {"warnings", WarningsJson(view.artifacts)},
          {"metadata", video.metadata},
          {"transcript_id", view.transcript ? Json(view.transcript->str()) : Json()},
          {"progress", ProgressJson(view.jobs, now)},
          {"stages", StagesJson(view.jobs)},
          {"error", VideoErrorJson(view.jobs)}};
}

Json VideoUpdateJson(const media::Video& video, const std::vector<jobs::Job>& jobs, UtcMs now) {
  return {{"video_id", video.id.str()},
          {"status", video.status},
          {"title", video.title},
          {"progress", ProgressJson(jobs, now)}};
}

std::string CurrentStage(const std::vector<jobs::Job>& jobs) {
  for (const jobs::Job& job : jobs) {
    if (job.status == jobs::JobStatus::kRunning) {
      return job.progress_stage.empty() ? job.stage.Label() : job.progress_stage;
    }
  }
  return {};
}

std::optional<int64_t> EtaMs(const std::vector<jobs::Job>& jobs, double fraction, UtcMs now) {
  const auto first = std::ranges::min_element(jobs, {}, &jobs::Job::id);
  if (fraction < kEtaFractionMin || first == jobs.end() || !first->started_at) return std::nullopt;
  const auto elapsed_ms =
      static_cast<double>(std::max<int64_t>(now.value - first->started_at->value, 0));
  return static_cast<int64_t>(elapsed_ms * (1 - fraction) / fraction);
}

}  // namespace narralytica::api
