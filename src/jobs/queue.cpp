#include "jobs/queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "jobs/outcome.hpp"
#include "jobs/queue_statements.hpp"

namespace narralytica::jobs {
namespace {

using access::Tx;
using platform::Row;
using platform::Rows;

// A full disk is waited for as long as after so many failures.
constexpr int kWaitsAsAttempt = 5;

std::optional<UtcMs> MaybeTime(const Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return UtcMs{row.Int(column)};
}

// The order of NRL_JOB_COLUMNS.
Job ReadJob(const Row& row) {
  Job job;
  job.id = JobId::FromTrusted(row.Text(0));
  job.tenant = TenantId::FromTrusted(row.Text(1));
  job.stage = {row.Text(2), row.Text(3)};
  job.video = VideoId::FromTrusted(row.Text(4));
  job.status = JobStatusFromTrusted(row.Text(5));
  job.ingestion_phase = row.TextOrEmpty(6);
  job.payload = row.Text(7);
  job.trace = row.Text(8);
  job.attempts = static_cast<int>(row.Int(9));
  job.attempts_max = static_cast<int>(row.Int(10));
  job.progress = row.Real(11);
  job.progress_stage = row.Text(12);
  job.eta_ms = row.MaybeInt(13);
  if (!row.IsNull(14)) {
    job.error =
        JobError{row.Text(14), row.TextOrEmpty(15), row.TextOrEmpty(16), row.TextOrEmpty(17)};
  }
  job.dead_letter = row.Int(18) != 0;
  job.cancel_requested = row.Int(19) != 0;
  job.created_at = {row.Int(20)};
  job.queued_at = {row.Int(21)};
  job.updated_at = {row.Int(22)};
  job.run_at = {row.Int(23)};
  job.started_at = MaybeTime(row, 24);
  job.finished_at = MaybeTime(row, 25);
  return job;
}

Error LeaseLost() {
  return {ErrorCode::kConflict, "another worker has taken over this job", {}, {}, "lease_lost"};
}

Status RequireOne(const Result<int64_t>& changed, const Error& otherwise) {
  if (!changed) return Fail(changed);
  if (*changed != 1) return Fail(otherwise);
  return {};
}

}  // namespace

std::vector<Job> JobsOf(const Rows& rows) {
  std::vector<Job> jobs;
  jobs.reserve(rows.size());
  for (const Row& row : rows) jobs.push_back(ReadJob(row));
  return jobs;
}

void QueueConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("jobs.lease_ms", &lease_ms, {1'000, 600'000},
               "a worker that is silent this long loses its job");
  binder.Field("jobs.kills_max", &kills_max, {1, 100},
               "a job that killed its worker this often is quarantined");
  binder.Field("jobs.backoff_base_ms", &backoff_base_ms, {1, 3'600'000}, "wait before retry 1");
  binder.Field("jobs.backoff_cap_ms", &backoff_cap_ms, {1, 86'400'000}, "longest wait");
  binder.Field("jobs.priority_wait_ms_max", &priority_wait_ms_max, {0, 86'400'000},
               "the least urgent job is overtaken only by what comes within this time after it");
  constexpr platform::ConfigBinder::Range kRunning{0, 1'000'000};
  binder.Field("jobs.tenant_running_max", &running.tenant_max, kRunning,
               "jobs of one tenant that run at once; 0: no limit");
  binder.Field("jobs.service_running_max", &running.service_max, kRunning,
               "recordings that are fetched from one host at once; 0: no limit");
  binder.Field("jobs.ingest_running_max", &running.ingest_max, kRunning,
               "ingest jobs that run at once; 0: no limit");
  binder.Field("jobs.diarize_running_max", &running.diarize_max, kRunning,
               "diarize jobs that run at once; 0: no limit");
  binder.Field("jobs.transcribe_running_max", &running.transcribe_max, kRunning,
               "transcribe jobs that run at once; 0: no limit");
  binder.Field("jobs.enrich_running_max", &running.enrich_max, kRunning,
               "enrich jobs that run at once; 0: no limit");
  binder.Field("jobs.index_running_max", &running.index_max, kRunning,
               "index jobs that run at once; 0: no limit");
}

int64_t Queue::PriorityStepMs() const {
  return config_.priority_wait_ms_max / (kPriorityMax - kPriorityMin);
}

Queue::Queue(platform::Database& database, Environment environment, QueueConfig config)
    : database_(database), environment_(environment), config_(config), boot_id_(BootId()) {}

access::Scope Queue::TenantScope(const Lease& lease) const {
  return {lease.tenant, "worker:" + lease.worker.str(), {}};
}

Result<JobId> Queue::Enqueue(Tx& tx, const NewJob& job) {
  if (!job.unique_key.empty()) {
    NRL_TRY(const Rows same, tx.Query(statements::kFindUnique, tx.tenant(), job.unique_key));
    if (!same.empty()) return JobId::FromTrusted(same[0].Text(0));
  }
  const JobId id = JobId::New(environment_);
  const platform::SqlValue unique_key =
      job.unique_key.empty() ? platform::SqlValue() : platform::SqlValue(job.unique_key);
  const UtcMs now = environment_.clock.Now();
  const int priority = std::clamp(job.priority, kPriorityMin, kPriorityMax);
  NRL_CHECK(tx.Execute(statements::kInsert, id, tx.tenant(), job.stage.type, job.stage.kind,
                       job.video, job.payload, priority, unique_key, tx.scope().trace, now,
                       job.attempts_max, now.value - priority * PriorityStepMs(), job.service));
  Job stored;
  stored.id = id;
  stored.tenant = tx.tenant();
  NRL_CHECK(AppendEvent(tx, stored, "job.queued", "{}"));
  WakeAfter(tx);
  return id;
}

Status Queue::EndRun(Tx& tx, const Lease& lease, std::string_view status, const Error* error) {
  platform::SqlValue code, reason, message, hint;
  if (error != nullptr) {
    code = ToString(error->code);
    reason = error->reason;
    message = error->message;
    hint = error->hint;
  }
  NRL_CHECK(tx.Execute(statements::kEndRun, lease.tenant, lease.job, lease.epoch, status, code,
                       reason, message, hint, environment_.clock.Now()));
  return {};
}

Result<Beat> Queue::Heartbeat(const Lease& lease, const JobProgress& progress) {
  const platform::SqlValue phase =
      progress.phase.empty() ? platform::SqlValue() : platform::SqlValue(progress.phase);
  return access::Write(database_, TenantScope(lease), [&](Tx& tx) -> Result<Beat> {
    NRL_TRY(const Rows rows,
            tx.Query(statements::kBeat, lease.job, lease.epoch, environment_.clock.BootMs(),
                     progress.fraction, progress.stage, progress.eta_ms, environment_.clock.Now(),
                     config_.lease_ms, phase));
    if (rows.empty()) return Beat{.cancel_requested = false, .lost = true};
    return Beat{.cancel_requested = rows[0].Int(0) != 0, .lost = false};
  });
}

Status Queue::Fence(Tx& tx, const Lease& lease) {
  NRL_TRY(const Rows rows, tx.Query(statements::kFence, lease.tenant, lease.job, lease.epoch));
  if (rows.empty()) return Fail(LeaseLost());
  return {};
}

Status Queue::CheckLease(const Lease& lease) {
  return access::Read(database_, TenantScope(lease), [&](Tx& tx) -> Status {
    NRL_TRY(const Rows rows, tx.Query(statements::kHeld, lease.tenant, lease.job, lease.epoch));
    if (rows.empty()) return Fail(LeaseLost());
    return {};
  });
}

Status Queue::AppendCheckpoint(const Lease& lease, int part, const std::string& body) {
  return access::Write(database_, TenantScope(lease), [&](Tx& tx) -> Status {
    NRL_CHECK(Fence(tx, lease));
    NRL_CHECK(tx.Execute(statements::kAppendCheckpoint, lease.tenant, lease.job, part, body));
    return {};
  });
}

Result<std::vector<std::string>> Queue::LoadCheckpoints(const Lease& lease) {
  return access::Read(
      database_, TenantScope(lease), [&](Tx& tx) -> Result<std::vector<std::string>> {
        NRL_TRY(const Rows rows, tx.Query(statements::kLoadCheckpoints, lease.tenant, lease.job));
        std::vector<std::string> parts;
        for (const Row& row : rows) parts.push_back(row.Text(0));
        return parts;
      });
}

Status Queue::Complete(Tx& tx, const Lease& lease) {
  const UtcMs now = environment_.clock.Now();
  if (database_.dialect() == platform::SqlDialect::kPostgres) {
    NRL_TRY(const Rows ended, tx.Query(statements::kComplete, lease.job,
                                       std::to_string(lease.epoch), NewUuid(environment_), now));
    if (ended.empty()) return Fail(LeaseLost());
    return {};
  }
  NRL_CHECK(RequireOne(tx.Execute(statements::kEnd, lease.tenant, lease.job, lease.epoch,
                                  "succeeded", false, nullptr, nullptr, nullptr, nullptr, now),
                       LeaseLost()));
  NRL_CHECK(tx.Execute(statements::kDropCheckpoints, lease.tenant, lease.job));
  NRL_CHECK(EndRun(tx, lease, "succeeded", nullptr));
  Job ended;
  ended.id = lease.job;
  ended.tenant = lease.tenant;
  return AppendEvent(tx, ended, "job.succeeded", "{}");
}

Result<std::vector<JobId>> Queue::CompleteMany(const std::vector<Lease>& leases) {
  NRL_ASSERT(leases.size() <= kClaimMax);
  std::vector<JobId> completed;
  if (database_.dialect() == platform::SqlDialect::kPostgres) {
    std::string ids, epochs, events;
    for (const Lease& lease : leases) {
      const char* comma = ids.empty() ? "" : ",";
      ids += comma + lease.job.str();
      epochs += comma + std::to_string(lease.epoch);
      events += comma + NewUuid(environment_);
    }
    NRL_TRY(const Rows rows, Tx::Once(database_, statements::kCompleteMany, ids, epochs, events,
                                      environment_.clock.Now()));
    for (const Row& row : rows) completed.push_back(JobId::FromTrusted(row.Text(0)));
    return completed;
  }
  return access::Write(database_, access::SystemScope("worker"),
                       [&](Tx& tx) -> Result<std::vector<JobId>> {
                         completed.clear();
                         for (const Lease& lease : leases) {
                           const Status held = Fence(tx, lease);
                           if (!held && held.error().reason == "lease_lost") continue;
                           NRL_CHECK(held);
                           NRL_CHECK(Complete(tx, lease));
                           completed.push_back(lease.job);
                         }
                         return completed;
                       });
}

void Queue::WakeAfter(Tx& tx) {
  if (wake_) tx.AfterCommit(wake_);
}

Result<Job> Queue::FailAttempt(Tx& tx, const Lease& lease, const Error& error) {
  NRL_CHECK(Fence(tx, lease));
  NRL_TRY(const Job job, Get(tx, lease.job));
  const Outcome outcome = OutcomeOf(error);
  const bool waits = outcome == Outcome::kWait;
  const bool retries = outcome == Outcome::kRetry || outcome == Outcome::kRetrySmaller;
  const bool again = waits || (retries && job.attempts < job.attempts_max);
  const UtcMs now = environment_.clock.Now();
  NRL_CHECK(EndRun(tx, lease, "failed", &error));
  if (again) {
    const int64_t wait_ms =
        BackoffMs(waits ? kWaitsAsAttempt : job.attempts, config_.backoff_base_ms,
                  config_.backoff_cap_ms, environment_.random);
    NRL_CHECK(RequireOne(
        tx.Execute(statements::kRequeue, lease.tenant, lease.job, lease.epoch, now.value + wait_ms,
                   job.attempts - (waits ? 1 : 0), ToString(error.code), error.reason,
                   error.message, error.hint, now, PriorityStepMs()),
        LeaseLost()));
  } else {
    NRL_CHECK(RequireOne(
        tx.Execute(statements::kEnd, lease.tenant, lease.job, lease.epoch, "failed", true,
                   ToString(error.code), error.reason, error.message, error.hint, now),
        LeaseLost()));
  }
  NRL_CHECK(AppendEvent(
      tx, job, again ? "job.retried" : "job.failed",
      nlohmann::json{
          {"code", ToString(error.code)}, {"reason", error.reason}, {"message", error.message}}
          .dump()));
  return Get(tx, lease.job);
}

Status Queue::Release(const Lease& lease) {
  return access::Write(database_, TenantScope(lease), [&](Tx& tx) -> Status {
    NRL_CHECK(Fence(tx, lease));
    NRL_TRY(const Job job, Get(tx, lease.job));
    NRL_CHECK(EndRun(tx, lease, "released", nullptr));
    NRL_CHECK(RequireOne(tx.Execute(statements::kRelease, lease.tenant, lease.job, lease.epoch,
                                    environment_.clock.Now()),
                         LeaseLost()));
    WakeAfter(tx);
    return AppendEvent(tx, job, "job.released", "{}");
  });
}

Status Queue::MarkCanceled(Tx& tx, const Lease& lease) {
  NRL_CHECK(
      RequireOne(tx.Execute(statements::kEnd, lease.tenant, lease.job, lease.epoch, "canceled",
                            false, nullptr, nullptr, nullptr, nullptr, environment_.clock.Now()),
                 LeaseLost()));
  NRL_CHECK(EndRun(tx, lease, "canceled", nullptr));
  NRL_TRY(const Job job, Get(tx, lease.job));
  return AppendEvent(tx, job, "job.canceled", "{}");
}

Status Queue::RequestCancel(Tx& tx, const JobId& job) {
  const UtcMs now = environment_.clock.Now();
  NRL_TRY(const int64_t queued, tx.Execute(statements::kCancelQueued, tx.tenant(), job, now));
  if (queued == 1) {
    NRL_TRY(const Job canceled, Get(tx, job));
    return AppendEvent(tx, canceled, "job.canceled", "{}");
  }
  NRL_TRY(const int64_t running, tx.Execute(statements::kCancelRunning, tx.tenant(), job, now));
  if (running == 1) return {};
  NRL_TRY(const Job found, Get(tx, job));
  return Fail(ErrorCode::kConflict,
              fmt::format("job {} has already {}", job.str(), ToString(found.status)),
              "only queued and running jobs can be canceled");
}

Status Queue::Redrive(Tx& tx, const JobId& job) {
  NRL_TRY(const int64_t changed, tx.Execute(statements::kRedrive, tx.tenant(), job,
                                            environment_.clock.Now(), PriorityStepMs()));
  NRL_TRY(const Job found, Get(tx, job));
  if (changed == 1) {
    WakeAfter(tx);
    return AppendEvent(tx, found, "job.redriven",
                       nlohmann::json{{"actor", tx.scope().actor}}.dump());
  }
  return Fail(ErrorCode::kConflict, fmt::format("job {} is {}", job.str(), ToString(found.status)),
              "only failed and canceled jobs can be retried");
}

Result<Job> Queue::Get(Tx& tx, const JobId& job) {
  // In the worker's system scope the tenant comes with the lease.
  NRL_TRY(const Rows rows, tx.Query(statements::kGet, tx.tenant(), job));
  if (rows.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("job {} does not exist", job.str()),
                "narralytica jobs lists them");
  }
  return ReadJob(rows[0]);
}

Result<std::vector<Job>> Queue::OfVideo(Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(statements::kOfVideo, tx.tenant(), video));
  return JobsOf(rows);
}

Result<std::vector<Job>> Queue::List(Tx& tx, const JobId& before, int limit) {
  NRL_TRY(const Rows rows, tx.Query(statements::kList, tx.tenant(), before.str(), limit));
  return JobsOf(rows);
}

Status Queue::SeeWorker(const WorkerId& worker, int process_id) {
  return access::Write(database_, access::SystemScope("worker"), [&](Tx& tx) -> Status {
    NRL_CHECK(tx.Execute(statements::kSeeWorker, worker, process_id, boot_id_,
                         environment_.clock.BootMs(), environment_.clock.Now()));
    return {};
  });
}

Status Queue::ForgetWorker(const WorkerId& worker) {
  return access::Write(database_, access::SystemScope("worker"), [&](Tx& tx) -> Status {
    NRL_CHECK(tx.Execute(statements::kForgetWorker, worker));
    return {};
  });
}

Result<int> Queue::CountLiveWorkers() {
  return access::Read(database_, access::SystemScope("worker"), [&](Tx& tx) -> Result<int> {
    NRL_TRY(const Rows rows, tx.Query(statements::kCountLiveWorkers, boot_id_,
                                      environment_.clock.BootMs(), config_.lease_ms));
    return static_cast<int>(rows[0].Int(0));
  });
}

Result<int> Queue::CountOpen() {
  return access::Read(database_, access::SystemScope("worker"), [&](Tx& tx) -> Result<int> {
    NRL_TRY(const Rows rows, tx.Query(statements::kCountOpen));
    return static_cast<int>(rows[0].Int(0));
  });
}

Result<QueuedCounts> Queue::CountQueued(const TenantId& tenant, const QueuedCounts& most) {
  return access::Read(
      database_, access::SystemScope("admission"), [&](Tx& tx) -> Result<QueuedCounts> {
        NRL_TRY(const Rows rows,
                tx.Query(statements::kCountQueued, tenant, most.total, most.of_tenant));
        return QueuedCounts{rows[0].Int(0), rows[0].Int(1)};
      });
}

Status Queue::AppendEvent(Tx& tx, const Job& job, std::string_view type,
                          const std::string& payload) {
  const std::string id = NewUuid(environment_);
  NRL_CHECK(tx.Execute(statements::kAppendEvent, id, job.tenant, job.id, type, payload,
                       environment_.clock.Now()));
  return {};
}

}  // namespace narralytica::jobs
