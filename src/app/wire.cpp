#include "app/wire.hpp"

namespace narralytica::app {
namespace {

using Json = nlohmann::ordered_json;

Json MaybeTime(const std::optional<UtcMs>& time) {
  return time ? Json(FormatRfc3339(*time)) : Json();
}

Json ErrorOf(const jobs::Job& job) {
  if (!job.error) return nullptr;
  return {{"code", job.error->reason.empty() ? job.error->code : job.error->reason},
          {"message", job.error->message},
          {"details", {{"hint", job.error->hint}}},
          {"correlation_id", job.trace}};
}

}  // namespace

Json JobJson(const jobs::Job& job) {
  return {{"id", job.id.str()},
          {"type", job.stage.type},
          {"kind", job.stage.kind.empty() ? Json() : Json(job.stage.kind)},
          {"status", jobs::ToString(job.status)},
          {"ingestion_phase", job.ingestion_phase.empty() ? Json() : Json(job.ingestion_phase)},
          {"video_id", job.video.str()},
          {"attempts", job.attempts},
          {"attempts_max", job.attempts_max},
          {"dead_letter", job.dead_letter},
          {"progress",
           {{"fraction", job.progress},
            {"eta_ms", job.eta_ms ? Json(*job.eta_ms) : Json()},
            {"stage", job.progress_stage}}},
          {"error", ErrorOf(job)},
          {"run_at", FormatRfc3339(job.run_at)},
          {"queued_at", FormatRfc3339(job.queued_at)},
          {"created_at", FormatRfc3339(job.created_at)},
          {"updated_at", FormatRfc3339(job.updated_at)},
          {"started_at", MaybeTime(job.started_at)},
          {"finished_at", MaybeTime(job.finished_at)}};
}

}  // namespace narralytica::app
