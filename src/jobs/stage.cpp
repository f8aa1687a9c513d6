#include "jobs/stage.hpp"

#include "jobs/pipeline.hpp"

namespace narralytica::jobs {

StageContext::StageContext(StageServices services, ClaimedJob claimed, std::stop_token stop,
                           platform::Logger log)
    : services_(std::move(services)),
      claimed_(std::move(claimed)),
      scope_{claimed_.job.tenant, "worker:" + claimed_.lease.worker.str(), claimed_.job.trace},
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
  return services_.queue.AppendCheckpoint(claimed_.lease, part, body);
}

Status StageContext::Write(const std::function<Status(access::Tx&)>& body) {
  return access::Write(services_.database, scope_, [&](access::Tx& tx) -> Status {
    // Two jobs of a video that end together must see each other's end, or neither would enqueue
    // what needs both.
    NRL_CHECK(tx.Lock("video:" + claimed_.job.video.str()));
    NRL_CHECK(services_.queue.Fence(tx, claimed_.lease));
    return body(tx);
  });
}

Status StageContext::Finish(const std::function<Status(access::Tx&)>& body) {
  return Write([&](access::Tx& tx) -> Status {
    NRL_CHECK(body(tx));
    NRL_CHECK(services_.queue.Complete(tx, claimed_.lease));
    return SettleJob(tx, services_, claimed_.job.id);
  });
}

Status StageContext::FinishAlone(const std::function<Status(access::Tx&)>& body) {
  return Write([&](access::Tx& tx) -> Status {
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
