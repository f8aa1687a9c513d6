#include "jobs/stage.hpp"

#include <array>

#include "jobs/outcome.hpp"
#include "jobs/pipeline.hpp"

namespace narralytica::jobs {

std::string_view ToString(WriteKind kind) {
  static constexpr std::array<std::string_view, 7> kNames{
      "heartbeat", "checkpoint", "output", "object", "index", "completion", "failure"};
  return kNames[static_cast<size_t>(kind)];
}

StageContext::StageContext(StageServices services, ClaimedJob claimed, std::stop_token stop,
                           platform::Logger log)
    : services_(std::move(services)),
      claimed_(std::move(claimed)),
      scope_{claimed_.job.tenant, "worker:" + claimed_.lease.worker.str(), claimed_.job.trace},
      stale_(services_.metrics.Counters("narralytica_jobs_stale_writes_total",
                                        "writes refused because another worker has the job")),
      stop_(std::move(stop)),
      log_(std::move(log)) {}

void StageContext::SetProgress(double fraction, std::string_view stage) {
  const std::lock_guard lock(mutex_);
  meter_.Update(fraction, stage, services_.environment.clock.BootMs());
}

void StageContext::SetPhase(std::string_view phase) {
  const std::lock_guard lock(mutex_);
  meter_.SetPhase(phase);
}

JobProgress StageContext::progress() const {
  const std::lock_guard lock(mutex_);
  return meter_.progress();
}

Result<std::vector<std::string>> StageContext::LoadCheckpoints() {
  return services_.queue.LoadCheckpoints(claimed_.lease);
}

Status StageContext::AppendCheckpoint(int part, const std::string& body) {
  Status appended = services_.queue.AppendCheckpoint(claimed_.lease, part, body);
  if (!appended) Note(WriteKind::kCheckpoint, appended.error());
  return appended;
}

Result<Beat> StageContext::Heartbeat() {
  auto beat = services_.queue.Heartbeat(claimed_.lease, progress());
  if (beat && beat->lost) stale_.Add({{"kind", std::string(ToString(WriteKind::kHeartbeat))}});
  return beat;
}

void StageContext::Note(WriteKind kind, const Error& error) const {
  if (OutcomeOf(error) != Outcome::kLeaseLost) return;
  stale_.Add({{"kind", std::string(ToString(kind))}});
}

Status StageContext::CheckLease(WriteKind kind) {
  Status held = services_.queue.CheckLease(claimed_.lease);
  if (!held) Note(kind, held.error());
  return held;
}

Result<platform::ObjectRef> StageContext::PutObject(platform::ObjectStore& objects,
                                                    std::span<const uint8_t> content) {
  NRL_CHECK(CheckLease(WriteKind::kObject));
  return objects.Put(scope_.tenant, content);
}

Result<platform::ObjectRef> StageContext::PutObjectFile(platform::ObjectStore& objects,
                                                        const std::string& path) {
  NRL_CHECK(CheckLease(WriteKind::kObject));
  return objects.PutFile(scope_.tenant, path, {});
}

Status StageContext::Write(const std::function<Status(access::Tx&)>& body) {
  return WriteAs(WriteKind::kOutput, body);
}

Status StageContext::Settle(const std::function<Status(access::Tx&)>& body) {
  return WriteAs(WriteKind::kFailure, body);
}

Status StageContext::Release() {
  Status released = services_.queue.Release(claimed_.lease);
  if (!released) Note(WriteKind::kFailure, released.error());
  return released;
}

Status StageContext::WriteAs(WriteKind kind, const std::function<Status(access::Tx&)>& body) {
  Status written = access::Write(services_.database, scope_, [&](access::Tx& tx) -> Status {
    // Two jobs of a video that end together must see each other's end, or neither would enqueue
    // what needs both.
    NRL_CHECK(tx.Lock("video:" + claimed_.job.video.str()));
    NRL_CHECK(services_.queue.Fence(tx, claimed_.lease));
    return body(tx);
  });
  if (!written) Note(kind, written.error());
  return written;
}

Status StageContext::Finish(const std::function<Status(access::Tx&)>& body) {
  return WriteAs(WriteKind::kCompletion, [&](access::Tx& tx) -> Status {
    NRL_CHECK(body(tx));
    NRL_CHECK(services_.queue.Complete(tx, claimed_.lease));
    return SettleJob(tx, services_, claimed_.job.id);
  });
}

Status StageContext::FinishAlone(const std::function<Status(access::Tx&)>& body) {
  return WriteAs(WriteKind::kCompletion, [&](access::Tx& tx) -> Status {
    NRL_CHECK(body(tx));
    return services_.queue.Complete(tx, claimed_.lease);
  });
}

Status SettleJob(access::Tx& tx, const StageServices& services, const JobId& id) {
  NRL_TRY(const Job job, services.queue.Get(tx, id));
  NRL_TRY(std::vector<Job> jobs, services.queue.OfVideo(tx, job.video));
  if (HasEnded(job.status)) {
    NRL_CHECK(Advance(tx, services.queue, job, jobs));
    NRL_TRY(jobs, services.queue.OfVideo(tx, job.video));
  }
  return services.set_video_status(tx, job.video, VideoStatusOf(jobs));
}

}  // namespace narralytica::jobs
