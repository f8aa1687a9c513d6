// Canceling and retrying a job, for the API and the command line.
#pragma once

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

}  // namespace narralytica::api
