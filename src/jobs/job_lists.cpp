#include "jobs/job_lists.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "jobs/queue_statements.hpp"

namespace narralytica::jobs {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

// $2: statuses, comma-separated; "" stands for all in each condition.
#define NRL_JOB_CONDITIONS                                         \
  " AND ($2 = '' OR ',' || $2 || ',' LIKE '%,' || status || ',%')" \
  " AND ($3 = '' OR type = $3) AND ($4 = '' OR video_id = $4)"

constexpr Statement kCount{"jobs.count",
                           "SELECT COUNT(*) FROM jobs WHERE tenant_id = $1" NRL_JOB_CONDITIONS};
constexpr Statement kPage{
    "jobs.page", "SELECT " NRL_JOB_COLUMNS " FROM jobs WHERE tenant_id = $1" NRL_JOB_CONDITIONS
                 " AND ($5 = '' OR id < $5) ORDER BY id DESC LIMIT $6 OFFSET $7"};
constexpr Statement kDeadLetters{
    "jobs.dead_letters",
    "SELECT id FROM jobs WHERE tenant_id = $1 AND status = 'failed' AND dead_letter = 1"
    " AND ($2 = '' OR error_code = $2 OR error_reason = $2) AND ($3 = '' OR type = $3)"
    " AND id > $4 ORDER BY id LIMIT $5"};
constexpr Statement kUpdatedSince{"jobs.updated_since",
                                  "SELECT " NRL_JOB_COLUMNS
                                  " FROM jobs WHERE tenant_id = $1 AND updated_at_ms >= $2"
                                  " ORDER BY updated_at_ms, id LIMIT $3"};
constexpr Statement kJobExists{"jobs.exists",
                               "SELECT 1 FROM jobs WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kCountRuns{
    "job_runs.count", "SELECT COUNT(*) FROM job_runs WHERE tenant_id = $1 AND job_id = $2"};
constexpr Statement kRuns{
    "job_runs.page",
    "SELECT id, attempt, status, worker_id, error_code, error_reason, error_message, error_hint,"
    " started_at_ms, finished_at_ms FROM job_runs WHERE tenant_id = $1 AND job_id = $2"
    " AND id > $3 ORDER BY id LIMIT $4 OFFSET $5"};
constexpr Statement kCountEvents{
    "job_events.count", "SELECT COUNT(*) FROM job_events WHERE tenant_id = $1 AND job_id = $2"};
constexpr Statement kEvents{"job_events.page",
                            "SELECT id, run_id, event_type, payload, created_at_ms FROM job_events"
                            " WHERE tenant_id = $1 AND job_id = $2"
                            " AND id > $3 ORDER BY id LIMIT $4 OFFSET $5"};
constexpr Statement kChanges{"changes.of_tenant",
                             "SELECT seq, entity, entity_id, op, created_at_ms FROM changes"
                             " WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"};

Status RequireJob(access::Tx& tx, const JobId& job) {
  NRL_TRY(const Rows rows, tx.Query(kJobExists, tx.tenant(), job));
  if (!rows.empty()) return {};
  return Fail(ErrorCode::kNotFound, fmt::format("job {} does not exist", job.str()),
              "the list of jobs has those that do");
}

JobRun ReadRun(const Row& row, const JobId& job) {
  JobRun run{RunId::FromTrusted(row.Text(0)),
             job,
             static_cast<int>(row.Int(1)),
             row.Text(2),
             row.Text(3),
             {},
             UtcMs{row.Int(8)},
             {}};
  if (!row.IsNull(4)) {
    run.error = JobError{row.Text(4), row.TextOrEmpty(5), row.TextOrEmpty(6), row.TextOrEmpty(7)};
  }
  if (!row.IsNull(9)) run.finished_at = UtcMs{row.Int(9)};
  return run;
}

}  // namespace

Result<access::Page<Job>> ListJobs(access::Tx& tx, const JobFilter& filter,
                                   const access::PageRequest& page) {
  const std::string statuses = fmt::format("{}", fmt::join(filter.statuses, ","));
  const std::string video = filter.video ? filter.video->str() : std::string();
  NRL_TRY(const Rows counted, tx.Query(kCount, tx.tenant(), statuses, filter.type, video));
  NRL_TRY(const Rows rows, tx.Query(kPage, tx.tenant(), statuses, filter.type, video, page.after,
                                    page.limit + 1, page.offset));
  return access::CutPage(JobsOf(rows), page, counted[0].Int(0),
                         [](const Job& job) { return job.id.str(); });
}

Result<std::vector<JobId>> ListDeadLetters(access::Tx& tx, const DeadLetterFilter& filter,
                                           const JobId& after, int limit) {
  NRL_TRY(const Rows rows,
          tx.Query(kDeadLetters, tx.tenant(), filter.code, filter.type, after.str(), limit));
  std::vector<JobId> ids;
  for (const Row& row : rows) ids.push_back(JobId::FromTrusted(row.Text(0)));
  return ids;
}

Result<std::vector<Job>> JobsUpdatedSince(access::Tx& tx, UtcMs since, int limit) {
  NRL_TRY(const Rows rows, tx.Query(kUpdatedSince, tx.tenant(), since, limit));
  return JobsOf(rows);
}

Result<access::Page<JobRun>> ListRuns(access::Tx& tx, const JobId& job,
                                      const access::PageRequest& page) {
  NRL_CHECK(RequireJob(tx, job));
  NRL_TRY(const Rows counted, tx.Query(kCountRuns, tx.tenant(), job));
  NRL_TRY(const Rows rows,
          tx.Query(kRuns, tx.tenant(), job, page.after, page.limit + 1, page.offset));
  std::vector<JobRun> runs;
  for (const Row& row : rows) runs.push_back(ReadRun(row, job));
  return access::CutPage(std::move(runs), page, counted[0].Int(0),
                         [](const JobRun& run) { return run.id.str(); });
}

Result<access::Page<JobEvent>> ListEvents(access::Tx& tx, const JobId& job,
                                          const access::PageRequest& page) {
  NRL_CHECK(RequireJob(tx, job));
  NRL_TRY(const Rows counted, tx.Query(kCountEvents, tx.tenant(), job));
  NRL_TRY(const Rows rows,
          tx.Query(kEvents, tx.tenant(), job, page.after, page.limit + 1, page.offset));
  std::vector<JobEvent> events;
  for (const Row& row : rows) {
    events.push_back({row.Text(0), job, row.TextOrEmpty(1), row.Text(2),
                      nlohmann::json::parse(row.Text(3)), UtcMs{row.Int(4)}});
  }
  return access::CutPage(std::move(events), page, counted[0].Int(0),
                         [](const JobEvent& event) { return event.id; });
}

Result<std::vector<ListedChange>> ReadChanges(access::Tx& tx, int64_t after_seq, int limit) {
  NRL_TRY(const Rows rows, tx.Query(kChanges, tx.tenant(), after_seq, limit));
  std::vector<ListedChange> changes;
  for (const Row& row : rows) {
    changes.push_back({row.Int(0), row.Text(1), row.Text(2), row.Text(3), UtcMs{row.Int(4)}});
  }
  return changes;
}

}  // namespace narralytica::jobs
