#include "api/job_changes.hpp"

#include "media/video_store.hpp"

namespace narralytica::api {
namespace {

// What the change means for the recording: its status, and what a canceled job still lets follow.
Status Settle(access::Tx& tx, const JobChangeParts& parts, const JobId& job) {
  const jobs::StageServices stages{parts.database, parts.environment, parts.queue,
                                   media::VideoStatusWriter(parts.environment), parts.metrics};
  return jobs::SettleJob(tx, stages, job);
}

}  // namespace

Result<jobs::Job> ChangeJob(access::Tx& tx, const JobChangeParts& parts, const JobId& job,
                            JobChange change) {
  NRL_TRY(const jobs::Job before, parts.queue.Get(tx, job));
  if (change == JobChange::kCancel) {
    NRL_CHECK(parts.queue.RequestCancel(tx, job));
  } else {
    if (!media::GetVideo(tx, before.video)) {
      return Fail(ErrorCode::kConflict, "the recording of this job was deleted");
    }
    NRL_CHECK(parts.queue.Redrive(tx, job));
  }
  NRL_CHECK(Settle(tx, parts, job));
  return parts.queue.Get(tx, job);
}

Result<Redriven> RedriveDeadLetters(const access::Scope& scope, const JobChangeParts& parts,
                                    const jobs::DeadLetterFilter& filter, int limit) {
  Redriven redriven;
  JobId after;
  while (std::ssize(redriven.jobs) < limit) {
    const int wanted = limit - static_cast<int>(redriven.jobs.size());
    NRL_TRY(const auto found, access::Read(parts.database, scope, [&](access::Tx& tx) {
              return jobs::ListDeadLetters(tx, filter, after, wanted);
            }));
    if (found.empty()) break;
    for (const JobId& job : found) {
      const auto changed = access::Write(parts.database, scope, [&](access::Tx& tx) {
        return ChangeJob(tx, parts, job, JobChange::kRetry);
      });
      if (changed) {
        redriven.jobs.push_back(job);
      } else if (changed.error().code == ErrorCode::kConflict) {
        ++redriven.skipped;
      } else {
        return Fail(changed);
      }
    }
    after = found.back();
  }
  return redriven;
}

}  // namespace narralytica::api
