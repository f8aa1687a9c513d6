// Canceling and retrying jobs, for the API and the command line.
#pragma once

#include "jobs/job_lists.hpp"
#include "jobs/queue.hpp"
#include "jobs/stage.hpp"

namespace narralytica::api {

enum class JobChange { kCancel, kRetry };

struct JobChangeParts {
  platform::Database& database;
  jobs::Queue& queue;
  platform::Metrics& metrics;
  Environment environment;
};

// Changes the job and what follows from it for its recording; the job as it is then. kNotFound;
// kConflict when its state, or a recording that was deleted, does not allow it.
Result<jobs::Job> ChangeJob(access::Tx& tx, const JobChangeParts& parts, const JobId& job,
                            JobChange change);

inline constexpr int kRedriveMax = 1'000;

struct Redriven {
  std::vector<JobId> jobs;
  int skipped = 0;  // recordings that were deleted, or work that was begun anew meanwhile
};
// Starts up to `limit` dead letters again, the oldest first, each in a transaction of its own: what
// is done when this fails stays done, and doing it again takes up the rest. A job that runs or
// waits already is no dead letter and is left alone.
Result<Redriven> RedriveDeadLetters(const access::Scope& scope, const JobChangeParts& parts,
                                    const jobs::DeadLetterFilter& filter, int limit);

}  // namespace narralytica::api
