#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "jobs/queue.hpp"
#include "jobs/queue_statements.hpp"

namespace narralytica::jobs {
namespace {

using access::Tx;
using platform::Row;
using platform::Rows;
using statements::kEpochColumn;
using statements::kKillsColumn;

// What has no room for another running job, each name between commas.
struct Full {
  std::string stages = ",";
  std::string services = ",";
};

int StageMax(const RunningLimits& limits, const std::string& type) {
  if (type == "ingest") return limits.ingest_max;
  if (type == "diarize") return limits.diarize_max;
  if (type == "transcribe") return limits.transcribe_max;
  if (type == "enrich") return limits.enrich_max;
  return type == "index" ? limits.index_max : 0;
}

Result<Full> FindFull(Tx& tx, const RunningLimits& limits) {
  NRL_TRY(const Rows rows, tx.Query(statements::kRunningByStage));
  std::map<std::string, int64_t> stages, services;
  for (const Row& row : rows) {
    stages[row.Text(0)] += row.Int(2);
    services[row.Text(1)] += row.Int(2);
  }
  Full full;
  for (const auto& [type, count] : stages) {
    const int most = StageMax(limits, type);
    if (most > 0 && count >= most) full.stages += type + ",";
  }
  for (const auto& [service, count] : services) {
    if (service.empty() || limits.service_max == 0) continue;
    if (count >= limits.service_max) full.services += service + ",";
  }
  return full;
}

Job JobOf(const Row& row) { return std::move(JobsOf({row}).front()); }

}  // namespace

Status Queue::Quarantine(Tx& tx, const Row& row) {
  const Job job = JobOf(row);
  const Error poison{ErrorCode::kInternal,
                     fmt::format("this job ended its worker {} times", config_.kills_max),
                     "look at the worker's log for its last minutes; redrive it after the cause"
                     " is mended",
                     {},
                     "poison"};
  NRL_CHECK(tx.Execute(statements::kEnd, job.tenant, job.id, row.Int(kEpochColumn), "failed", true,
                       ToString(poison.code), poison.reason, poison.message, poison.hint,
                       environment_.clock.Now()));
  return AppendEvent(tx, job, "job.quarantined", "{}");
}

Result<std::optional<Row>> Queue::NextExpired(Tx& tx) {
  while (true) {
    NRL_TRY(Rows expired,
            tx.Query(statements::kNextExpired, boot_id_, environment_.clock.BootMs()));
    if (expired.empty()) return std::nullopt;
    Row& row = expired.front();
    const Job job = JobOf(row);
    const Lease old{job.id, job.tenant, {}, {}, row.Int(kEpochColumn)};
    const Error lost{
        ErrorCode::kUnavailable, "the worker died or stopped answering", {}, {}, "worker_lost"};
    NRL_CHECK(EndRun(tx, old, "failed", &lost));
    if (row.Int(kKillsColumn) + 1 < config_.kills_max) return std::move(row);
    NRL_CHECK(Quarantine(tx, row));
  }
}

Result<std::optional<Row>> Queue::NextQueued(Tx& tx) {
  Full full;
  if (config_.running.any()) {
    NRL_TRY(full, FindFull(tx, config_.running));
  }
  const UtcMs now = environment_.clock.Now();
  NRL_TRY(const Rows tenants, tx.Query(statements::kDueTenants, now, config_.running.tenant_max));
  for (const Row& tenant : tenants) {
    NRL_TRY(Rows queued,
            tx.Query(statements::kNextQueued, tenant.Text(0), now, full.stages, full.services));
    if (queued.empty()) continue;
    // A tenant that is alone has nobody to take turns with.
    if (tenants.size() > 1) NRL_CHECK(tx.Execute(statements::kTakeTurn, tenant.Text(0)));
    return std::move(queued.front());
  }
  return std::nullopt;
}

Result<std::optional<Row>> Queue::NextDue(Tx& tx) {
  NRL_TRY(auto expired, NextExpired(tx));
  if (expired) return expired;
  // Two that count what runs at the same time would both find room for one.
  if (config_.running.any()) NRL_CHECK(tx.Lock("jobs.limits"));
  return NextQueued(tx);
}

Result<std::optional<ClaimedJob>> Queue::ClaimIn(Tx& tx, const WorkerId& worker) {
  NRL_TRY(const auto row, NextDue(tx));
  if (!row) return std::nullopt;
  Job job = JobOf(*row);
  const bool took_over = job.status == JobStatus::kRunning;
  // A worker that died used up its attempt already.
  if (!took_over) ++job.attempts;
  const Lease lease{job.id, job.tenant, RunId::New(environment_), worker,
                    row->Int(kEpochColumn) + 1};
  NRL_CHECK(tx.Execute(statements::kClaim, job.id, lease.epoch, worker, boot_id_,
                       environment_.clock.BootMs(), job.attempts,
                       row->Int(kKillsColumn) + (took_over ? 1 : 0), environment_.clock.Now(),
                       config_.lease_ms));
  NRL_CHECK(StartRun(tx, job, lease));
  job.status = JobStatus::kRunning;
  return ClaimedJob{job, lease};
}

Result<std::vector<ClaimedJob>> Queue::ClaimByFunction(const WorkerId& worker, int count) {
  std::vector<RunId> runs;
  std::string ids;
  for (int i = 0; i < count; ++i) {
    runs.push_back(RunId::New(environment_));
    ids += (i == 0 ? "" : ",") + runs.back().str() + "," + NewUuid(environment_);
  }
  NRL_TRY(const Rows rows, Tx::Once(database_, statements::kClaimMany, worker, boot_id_,
                                    environment_.clock.Now(), config_.lease_ms, count, ids));
  std::vector<Job> jobs = JobsOf(rows);
  std::vector<ClaimedJob> claimed;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Lease lease{jobs[i].id, jobs[i].tenant, runs[i], worker, rows[i].Int(kEpochColumn)};
    claimed.push_back({std::move(jobs[i]), lease});
  }
  return claimed;
}

Result<std::vector<ClaimedJob>> Queue::ClaimMany(const WorkerId& worker, int count) {
  NRL_ASSERT(count >= 1 && count <= kClaimMax);
  if (database_.dialect() == platform::SqlDialect::kPostgres && !config_.running.any()) {
    NRL_TRY(auto claimed, ClaimByFunction(worker, count));
    if (!claimed.empty()) return claimed;
  }
  const access::Scope scope = access::SystemScope("worker:" + worker.str());
  return access::Write(database_, scope, [&](Tx& tx) -> Result<std::vector<ClaimedJob>> {
    std::vector<ClaimedJob> claimed;
    while (std::ssize(claimed) < count) {
      NRL_TRY(auto job, ClaimIn(tx, worker));
      if (!job) break;
      claimed.push_back(std::move(*job));
    }
    return claimed;
  });
}

Result<std::optional<ClaimedJob>> Queue::Claim(const WorkerId& worker) {
  NRL_TRY(auto claimed, ClaimMany(worker, 1));
  if (claimed.empty()) return std::nullopt;
  return std::move(claimed.front());
}

Status Queue::StartRun(Tx& tx, const Job& job, const Lease& lease) {
  NRL_CHECK(tx.Execute(statements::kStartRun, lease.run, lease.tenant, lease.job, job.attempts,
                       lease.epoch, lease.worker, environment_.clock.Now()));
  return AppendEvent(tx, job, "job.started", nlohmann::json{{"attempt", job.attempts}}.dump());
}

}  // namespace narralytica::jobs
