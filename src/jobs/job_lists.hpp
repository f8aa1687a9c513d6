// What people see of jobs and of the change feed, page by page; statements name the tenant.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "access/page.hpp"
#include "access/tx.hpp"
#include "jobs/job.hpp"

namespace narralytica::jobs {

struct JobFilter {
  std::vector<std::string> statuses;  // as on the wire; empty: all
  std::string type;                   // "": all
  std::optional<VideoId> video;
};

// Newest first.
Result<access::Page<Job>> ListJobs(access::Tx& tx, const JobFilter& filter,
                                   const access::PageRequest& page);

// Dead letters to start again.
struct DeadLetterFilter {
  std::string code;  // its error's reason or code; "": any
  std::string type;  // "": any
};
// Oldest first, those after `after` (empty: from the oldest).
Result<std::vector<JobId>> ListDeadLetters(access::Tx& tx, const DeadLetterFilter& filter,
                                           const JobId& after, int limit);

// One attempt at a job.
struct JobRun {
  RunId id;
  JobId job;
  int attempt = 1;
  std::string status;  // "running", "succeeded", "failed", "canceled", "released"
  std::string worker;
  std::optional<JobError> error;
  UtcMs started_at;
  std::optional<UtcMs> finished_at;
};
// First one first; kNotFound without such a job.
Result<access::Page<JobRun>> ListRuns(access::Tx& tx, const JobId& job,
                                      const access::PageRequest& page);

struct JobEvent {
  std::string id;
  JobId job;
  std::string run;   // "" when it belongs to no attempt
  std::string type;  // "job.started"
  nlohmann::json payload;
  UtcMs created_at;
};
// Oldest first; kNotFound without such a job.
Result<access::Page<JobEvent>> ListEvents(access::Tx& tx, const JobId& job,
                                          const access::PageRequest& page);

// Changed at or after `since`, oldest change first.
Result<std::vector<Job>> JobsUpdatedSince(access::Tx& tx, UtcMs since, int limit);

struct ListedChange {
  int64_t seq = 0;
  std::string entity, entity_id, op;
  UtcMs created_at;
};
// The tenant's numbered changes after `after_seq`, oldest first.
Result<std::vector<ListedChange>> ReadChanges(access::Tx& tx, int64_t after_seq, int limit);

}  // namespace narralytica::jobs
