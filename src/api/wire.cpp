#include "api/wire.hpp"

namespace narralytica::api {
Json OrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json OrNull(const std::optional<UtcMs>& time) { return time ? Json(FormatRfc3339(*time)) : Json(); }
Json OrNull(const std::optional<int64_t>& number) { return number ? Json(*number) : Json(); }

Json JobErrorJson(const std::optional<jobs::JobError>& error, const std::string& trace) {
  if (!error) return nullptr;
  return {{"code", error->reason.empty() ? error->code : error->reason},
          {"message", error->message},
          {"details", {{"hint", error->hint}}},
          {"correlation_id", trace}};
}

Json JobJson(const jobs::Job& job) {
  return {
      {"id", job.id.str()},
      {"type", job.stage.type},
      {"kind", OrNull(job.stage.kind)},
      {"status", jobs::ToString(job.status)},
      {"ingestion_phase", OrNull(job.ingestion_phase)},
      {"video_id", job.video.str()},
      {"attempts", job.attempts},
      {"attempts_max", job.attempts_max},
      {"dead_letter", job.dead_letter},
      {"progress",
       {{"fraction", job.progress}, {"eta_ms", OrNull(job.eta_ms)}, {"stage", job.progress_stage}}},
      {"error", JobErrorJson(job.error, job.trace)},
      {"run_at", FormatRfc3339(job.run_at)},
      {"queued_at", FormatRfc3339(job.queued_at)},
      {"created_at", FormatRfc3339(job.created_at)},
      {"updated_at", FormatRfc3339(job.updated_at)},
      {"started_at", OrNull(job.started_at)},
      {"finished_at", OrNull(job.finished_at)}};
}

Json RedrivenJson(const Redriven& redriven) {
  Json ids = Json::array();
  for (const JobId& job : redriven.jobs) ids.push_back(job.str());
  return {{"redriven", redriven.jobs.size()}, {"skipped", redriven.skipped}, {"job_ids", ids}};
}

Json RunJson(const jobs::JobRun& run, const std::string& trace) {
  return {{"id", run.id.str()},
          {"job_id", run.job.str()},
          {"attempt", run.attempt},
          {"status", run.status},
          {"worker_id", run.worker},
          {"error", JobErrorJson(run.error, trace)},
          {"started_at", FormatRfc3339(run.started_at)},
          {"finished_at", OrNull(run.finished_at)}};
}

Json EventJson(const jobs::JobEvent& event) {
  return {{"id", event.id},
          {"job_id", event.job.str()},
          {"run_id", OrNull(event.run)},
          {"event_type", event.type},
          {"payload", event.payload},
          {"created_at", FormatRfc3339(event.created_at)}};
}

Json ChangeJson(const jobs::ListedChange& change) {
  return {{"seq", change.seq},
          {"entity", change.entity},
          {"entity_id", change.entity_id},
          {"op", change.op},
          {"created_at", FormatRfc3339(change.created_at)}};
}

Json KeyJson(const access::ApiKey& key) {
  return {{"id", key.id.str()},
          {"name", key.name},
          {"role", key.role},
          {"scopes", key.scopes},
          {"prefix", key.prefix},
          {"created_at", FormatRfc3339(key.created_at)},
          {"last_used_at", OrNull(key.last_used_at)},
          {"expires_at", OrNull(key.expires_at)},
          {"revoked_at", OrNull(key.revoked_at)}};
}

Json CreatedKeyJson(const access::CreatedKey& created) {
  const access::ApiKey& key = created.key;
  return {{"id", key.id.str()},
          {"key", created.secret},
          {"name", key.name},
          {"role", key.role},
          {"scopes", key.scopes},
          {"prefix", key.prefix},
          {"created_at", FormatRfc3339(key.created_at)},
          {"expires_at", OrNull(key.expires_at)},
          {"idempotent_replay", false}};
}

Json SourceJson(const source::Feed& feed) {
  const std::string_view status = feed.polling ? "polling" : feed.error ? "failing" : "ok";
  return {{"id", feed.id.str()},
          {"kind", feed.kind},
          {"locator", feed.locator},
          {"title", OrNull(feed.title)},
          {"status", status},
          {"poll_interval_s", feed.poll_interval_s},
          {"item_count", feed.item_count},
          {"last_polled_at", OrNull(feed.last_polled_at)},
          {"next_poll_at", FormatRfc3339(feed.next_poll_at)},
          {"error", JobErrorJson(feed.error, feed.trace)},
          {"created_at", FormatRfc3339(feed.created_at)}};
}

Json TranscriptSummaryJson(const transcript::Transcript& transcript) {
  return {
      {"transcript_id", transcript.id.str()},
      {"video_id", transcript.video.str()},
      {"version", transcript.version},
      {"provider", transcript.engine},
      {"model", transcript.model},
      {"model_hash", transcript.model_hash},
      {"settings_hash", transcript.settings_hash},
      {"language", transcript.language},
      {"superseded_by", transcript.superseded_by ? Json(transcript.superseded_by->str()) : Json()},
      {"created_at", FormatRfc3339(transcript.created_at)}};
}

Json SegmentJson(const transcript::CitedSegment& cited) {
  const transcript::StoredSegment& segment = cited.segment;
  return {{"id", segment.id.str()},
          {"video_id", cited.video.str()},
          {"transcript_id", cited.transcript.str()},
          {"speaker_id", segment.speaker ? Json(segment.speaker->str()) : Json()},
          {"segment_index", segment.segment_index},
          {"start_ms", segment.range.start_ms},
          {"end_ms", segment.range.end_ms},
          {"text", segment.text},
          {"language", segment.language},
          {"overlap_ms", segment.overlap_ms},
          {"source", cited.source}};
}

}  // namespace narralytica::api
