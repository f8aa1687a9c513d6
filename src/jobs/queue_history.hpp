// For tests: random histories of the queue, checked against a model of it.
//
// One seed is one history: tenants enqueue, workers claim, beat, checkpoint, complete, fail,
// release and die; people cancel and redrive; time passes leases by; and holders of leases that
// were lost go on writing as if nothing had happened. The model (ModelJob and what is said of it
// below) knows what each step may do; the first thing that the real queue does otherwise is the
// history's error, and the seed replays it.
//
// At the end every worker that is left works until nothing is due, and then every accepted job has
// ended exactly once: succeeded with one output row, canceled, or failed as a dead letter with a
// reason.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "jobs/changes.hpp"
#include "jobs/job_lists.hpp"
#include "jobs/queue.hpp"
#include "platform/sql/test_databases.hpp"

namespace narralytica::jobs {

// What the history does to the queue. A test that plants a fault overrides one of these.
class QueueActor {
 public:
  QueueActor(platform::Database& database, Queue& queue, Environment environment)
      : database_(database), queue_(queue), environment_(environment) {}
  virtual ~QueueActor() = default;

  virtual Result<JobId> Enqueue(const access::Scope& scope, const NewJob& job) {
    return access::Write(database_, scope, [&](access::Tx& tx) { return queue_.Enqueue(tx, job); });
  }
  virtual Result<std::optional<ClaimedJob>> Claim(const WorkerId& worker) {
    return queue_.Claim(worker);
  }
  virtual Result<std::vector<ClaimedJob>> ClaimMany(const WorkerId& worker, int count) {
    return queue_.ClaimMany(worker, count);
  }
  // Without an output.
  virtual Result<std::vector<JobId>> CompleteMany(const std::vector<Lease>& leases) {
    return queue_.CompleteMany(leases);
  }
  virtual Result<Beat> Heartbeat(const Lease& lease) { return queue_.Heartbeat(lease, {}); }
  virtual Status AppendCheckpoint(const Lease& lease, int part) {
    return queue_.AppendCheckpoint(lease, part, std::to_string(part));
  }
  // With an output row, in one transaction.
  virtual Status Complete(const access::Scope& scope, const Lease& lease) {
    return access::Write(database_, scope, [&](access::Tx& tx) -> Status {
      NRL_CHECK(queue_.Fence(tx, lease));
      NRL_CHECK(AppendChange(tx, {"video", lease.job.str()}, "put", UtcMs{1}));
      return queue_.Complete(tx, lease);
    });
  }
  virtual Result<Job> FailAttempt(const access::Scope& scope, const Lease& lease,
                                  const Error& error) {
    return access::Write(database_, scope,
                         [&](access::Tx& tx) { return queue_.FailAttempt(tx, lease, error); });
  }
  virtual Status Release(const Lease& lease) { return queue_.Release(lease); }

 protected:
  platform::Database& database_;
  Queue& queue_;
  const Environment environment_;
};

struct HistoryParts {
  platform::Database& database;
  Queue& queue;
  QueueActor& actor;
  const QueueConfig& config;
  FakeClock& clock;
  Environment environment;
  std::vector<access::Scope> tenants;
  bool in_batches = false;  // claims and completes several at once, too
};

// A job as it has to be.
struct ModelJob {
  JobId id;
  size_t tenant = 0;
  std::string unique_key;
  JobStatus status = JobStatus::kQueued;
  int attempts = 0, attempts_max = 1, kills = 0, checkpoints = 0, outputs = 0;
  int priority = 0;
  int64_t epoch = 0, due_ms = 0, lease_until_ms = 0;
  bool cancel_requested = false, dead_letter = false;

  bool open() const { return !HasEnded(status); }
  bool held_by(const Lease& lease) const {
    return status == JobStatus::kRunning && epoch == lease.epoch;
  }
};

class QueueHistory {
 public:
  QueueHistory(const HistoryParts& parts, uint64_t seed) : parts_(parts), dice_(seed) {
    for (int i = 0; i < kWorkers; ++i) workers_.push_back(WorkerId::New(parts.environment));
  }

  Status Run() {
    NRL_CHECK(Forget());
    for (int step = 0; step < kSteps; ++step) {
      const Status done = Step();
      if (!done) return At(fmt::format("step {}", step), done);
    }
    NRL_CHECK(At("draining", Drain()));
    return At("the end", CheckEnd());
  }

 private:
  static constexpr int kSteps = 60;
  static constexpr int kWorkers = 3;
  static constexpr uint64_t kBatchMax = 5;
  static constexpr int kDrainRoundsMax = 2'000;

  static Status At(const std::string& where, Status status) {
    if (status) return status;
    Error error = status.error();
    error.message = where + ": " + error.message + " " + error.cause;
    return Fail(std::move(error));
  }
  static Status Wrong(const ModelJob& job, std::string what) {
    return Fail(ErrorCode::kInternal, fmt::format("job {} {}", job.id.str(), what));
  }
  int64_t NowMs() const { return parts_.clock.BootMs(); }
  const access::Scope& ScopeOf(const ModelJob& job) const { return parts_.tenants[job.tenant]; }

  // The rows of the history before.
  Status Forget() {
    static constexpr std::array<platform::Statement, 5> kForget{{
        {"test.forget_events", "DELETE FROM job_events WHERE tenant_id = $1"},
        {"test.forget_runs", "DELETE FROM job_runs WHERE tenant_id = $1"},
        {"test.forget_checkpoints", "DELETE FROM job_checkpoints WHERE tenant_id = $1"},
        {"test.forget_changes", "DELETE FROM changes WHERE tenant_id = $1"},
        {"test.forget_jobs", "DELETE FROM jobs WHERE tenant_id = $1"},
    }};
    for (const access::Scope& scope : parts_.tenants) {
      const Status forgotten = access::Write(parts_.database, scope, [&](access::Tx& tx) -> Status {
        for (const auto& statement : kForget) NRL_CHECK(tx.Execute(statement, scope.tenant));
        return {};
      });
      NRL_CHECK(forgotten);
    }
    return {};
  }

  Status Step() {
    switch (dice_.Below(14)) {
      case 0:
      case 1:
      case 2:
        return Enqueue();
      case 3:
      case 4:
        return Claim();
      case 5:
        return parts_.in_batches ? ClaimBatch() : Claim();
      case 6:
        return Advance(static_cast<int64_t>(
            dice_.Below(static_cast<uint64_t>(parts_.config.lease_ms + 2'000))));
      case 7:
        return AbortedEnqueue();
      case 8:
        return Change();
      default:
        return leases_.empty() ? Status{} : Write(leases_[dice_.Below(leases_.size())]);
    }
  }

  Status Advance(int64_t duration_ms) {
    parts_.clock.Advance(duration_ms);
    platform::SetLeaseClock(parts_.database, parts_.clock);
    return {};
  }

  NewJob Wanted() {
    static constexpr std::array<const char*, 3> kKeys{"", "a", "b"};
    return {.stage = {"transcribe", ""},
            .video = VideoId::New(parts_.environment),
            .payload = "{}",
            .priority = static_cast<int>(dice_.Below(5)) * 5 - 10,
            .attempts_max = static_cast<int>(1 + dice_.Below(4)),
            .unique_key = kKeys[dice_.Below(kKeys.size())]};
  }

  Status Enqueue() {
    const NewJob wanted = Wanted();
    const size_t tenant = dice_.Below(parts_.tenants.size());
    NRL_TRY(const JobId id, parts_.actor.Enqueue(parts_.tenants[tenant], wanted));
    if (ModelJob* same = OpenWithKey(tenant, wanted.unique_key)) {
      if (same->id == id) return {};
      return Wrong(*same, "is open, and another one with its key was made");
    }
    if (jobs_.contains(id.str())) {
      return Wrong(jobs_.at(id.str()), "does not stand for this request, but was answered to it");
    }
    ModelJob job;
    job.id = id;
    job.tenant = tenant;
    job.unique_key = wanted.unique_key;
    job.attempts_max = wanted.attempts_max;
    job.priority = wanted.priority;
    job.due_ms = parts_.clock.Now().value;
    jobs_.emplace(id.str(), job);
    return Compare(job);
  }

  Status AbortedEnqueue() {
    const Status aborted =
        access::Write(parts_.database, parts_.tenants[0], [&](access::Tx& tx) -> Status {
          NewJob wanted = Wanted();
          wanted.unique_key.clear();
          NRL_TRY(aborted_, parts_.queue.Enqueue(tx, wanted));
          return Fail(ErrorCode::kCanceled, "changed its mind");
        });
    const auto seen = access::Read(parts_.database, parts_.tenants[0],
                                   [&](access::Tx& tx) { return parts_.queue.Get(tx, aborted_); });
    if (!aborted && !seen && seen.error().code == ErrorCode::kNotFound) return {};
    return Fail(ErrorCode::kInternal, "a job of an aborted transaction exists");
  }

  ModelJob* OpenWithKey(size_t tenant, const std::string& key) {
    for (auto& [id, job] : jobs_) {
      if (!key.empty() && job.tenant == tenant && job.unique_key == key && job.open()) return &job;
    }
    return nullptr;
  }

  bool HasExpired(const ModelJob& job) const {
    return job.status == JobStatus::kRunning && job.lease_until_ms < NowMs();
  }
  bool IsPoison(const ModelJob& job) const {
    return HasExpired(job) && job.kills + 1 >= parts_.config.kills_max;
  }
  bool IsDue(const ModelJob& job) const {
    return job.status == JobStatus::kQueued && job.due_ms <= parts_.clock.Now().value;
  }

  int64_t RankMs(const ModelJob& job) const {
    return job.due_ms - job.priority * (parts_.config.priority_wait_ms_max / 20);
  }
  int64_t CountRunning(std::optional<size_t> tenant) const {
    return std::ranges::count_if(jobs_, [&](const auto& entry) {
      return entry.second.status == JobStatus::kRunning &&
             entry.second.tenant == tenant.value_or(entry.second.tenant);
    });
  }
  // Due, and its tenant may have one more.
  bool MayTakeTurn(const ModelJob& job) const {
    const int most = parts_.config.running.tenant_max;
    return IsDue(job) && (most == 0 || CountRunning(job.tenant) < most);
  }
  bool MayStart(const ModelJob& job) const {
    const int most = parts_.config.running.transcribe_max;
    return MayTakeTurn(job) && (most == 0 || CountRunning(std::nullopt) < most);
  }

  // Nobody was served longer ago, and nothing of the tenant comes before it.
  Status CheckTurn(const ModelJob& given) {
    std::set<size_t> tenants;
    for (const auto& [id, job] : jobs_) {
      if (!MayTakeTurn(job)) continue;
      tenants.insert(job.tenant);
      if (turns_known_ && served_[job.tenant] < served_[given.tenant]) {
        return Wrong(job, "was passed over");
      }
      if (job.tenant == given.tenant && RankMs(job) < RankMs(given)) {
        return Wrong(job, "is more urgent than the one given");
      }
    }
    if (tenants.size() > 1) served_[given.tenant] = ++turns_;
    return {};
  }

  Status Claim() {
    NRL_TRY(const auto claimed, parts_.actor.Claim(workers_[dice_.Below(workers_.size())]));
    NRL_CHECK(SeeQuarantined(!claimed));
    if (claimed) NRL_CHECK(Claimed(*claimed));
    for (auto& [id, job] : jobs_) {
      if (!claimed && (MayStart(job) || HasExpired(job)))
        return Wrong(job, "waits, but was not given");
    }
    return {};
  }

  // How many turns a batch takes is the queue's, and so is what each tenant has of it.
  Status ClaimBatch() {
    turns_known_ = false;
    const int count = static_cast<int>(1 + dice_.Below(kBatchMax));
    NRL_TRY(const auto claimed,
            parts_.actor.ClaimMany(workers_[dice_.Below(workers_.size())], count));
    if (std::ssize(claimed) > count) {
      return Fail(ErrorCode::kInternal, "more jobs than were asked for");
    }
    NRL_CHECK(SeeQuarantined(claimed.empty()));
    for (const ClaimedJob& one : claimed) NRL_CHECK(Claimed(one));
    for (auto& [id, job] : jobs_) {
      if (claimed.empty() && (MayStart(job) || HasExpired(job))) {
        return Wrong(job, "waits, but was not given to a batch");
      }
    }
    return {};
  }

  // Leases of holders and of revenants together, some of the same job.
  Status CompleteBatch() {
    std::vector<Lease> leases;
    std::set<std::string> held;
    for (uint64_t i = 0, count = 1 + dice_.Below(kBatchMax); i < count; ++i) {
      leases.push_back(leases_[dice_.Below(leases_.size())]);
      const std::string id = leases.back().job.str();
      if (jobs_.at(id).held_by(leases.back())) held.insert(id);
    }
    NRL_TRY(const auto completed, parts_.actor.CompleteMany(leases));
    std::set<std::string> ended;
    for (const JobId& id : completed) ended.insert(id.str());
    for (const Lease& lease : leases) {
      ModelJob& job = jobs_.at(lease.job.str());
      const bool was_held = held.contains(lease.job.str());
      if (ended.contains(lease.job.str()) != was_held) {
        return Wrong(job, was_held ? "was not completed by its holder's batch"
                                   : "was completed by the batch of a revenant");
      }
      if (!was_held) continue;
      End(job, JobStatus::kSucceeded);
      job.checkpoints = 0;
      NRL_CHECK(Compare(job));
    }
    if (completed.size() == held.size()) return {};
    return Fail(ErrorCode::kInternal, "a batch completed a job twice");
  }

  Status Claimed(const ClaimedJob& claimed) {
    const auto found = jobs_.find(claimed.job.id.str());
    if (found == jobs_.end()) return Fail(ErrorCode::kInternal, "a job that nobody accepted");
    ModelJob& job = found->second;
    if (!MayStart(job) && (!HasExpired(job) || IsPoison(job))) {
      return Wrong(job, "was given, though it is not due or beyond a limit");
    }
    if (!HasExpired(job)) NRL_CHECK(CheckTurn(job));
    if (claimed.lease.epoch <= job.epoch) return Wrong(job, "was given with an old epoch");
    if (HasExpired(job)) {
      ++job.kills;
    } else {
      ++job.attempts;
    }
    job.status = JobStatus::kRunning;
    job.epoch = claimed.lease.epoch;
    job.lease_until_ms = NowMs() + parts_.config.lease_ms;
    leases_.push_back(claimed.lease);
    ++claims_;
    NRL_TRY(const auto parts, parts_.queue.LoadCheckpoints(claimed.lease));
    if (parts.size() != static_cast<size_t>(job.checkpoints)) {
      return Wrong(job, fmt::format("has {} checkpoints, not {}", parts.size(), job.checkpoints));
    }
    return Compare(job);
  }

  // First of all, for they make room for what is given.
  Status SeeQuarantined(bool surely) {
    for (auto& [id, job] : jobs_) {
      if (IsPoison(job)) NRL_CHECK(Quarantined(job, surely));
    }
    return {};
  }

  // It is so at the latest when a claim found nothing to give.
  Status Quarantined(ModelJob& job, bool surely) {
    NRL_TRY(const Job real, Real(job));
    if (real.status == JobStatus::kRunning && !surely) return {};
    job.status = JobStatus::kFailed;
    job.dead_letter = true;
    if (!real.error || real.error->reason != "poison") return Wrong(job, "is not quarantined");
    return Compare(job);
  }

  // What a holder does, be it the current one or a revenant.
  Status Write(const Lease& lease) {
    ModelJob& job = jobs_.at(lease.job.str());
    if (parts_.in_batches && dice_.Below(4) == 0) return CompleteBatch();
    switch (dice_.Below(6)) {
      case 0:
        return Beat(job, lease);
      case 1:
        return Judge(job, lease, parts_.actor.AppendCheckpoint(lease, job.checkpoints),
                     [&] { ++job.checkpoints; });
      case 2:
        return Judge(job, lease, parts_.actor.Complete(ScopeOf(job), lease), [&] {
          End(job, JobStatus::kSucceeded);
          ++job.outputs;
          job.checkpoints = 0;
        });
      case 3:
        return FailAttempt(job, lease);
      case 4:
        return Judge(job, lease, parts_.actor.Release(lease), [&] {
          --job.attempts;
          Requeue(job, job.due_ms);
        });
      default:
        return Judge(job, lease, MarkCanceled(job, lease), [&] { End(job, JobStatus::kCanceled); });
    }
  }

  // A write of the holder is taken and changes the job; a revenant's is refused and changes
  // nothing.
  template <typename Apply>
  Status Judge(ModelJob& job, const Lease& lease, const Status& done, Apply apply) {
    if (job.held_by(lease)) {
      if (!done) return At("the holder's write is refused", done);
      apply();
    } else if (done) {
      return Wrong(job, fmt::format("took a late write of epoch {}, its epoch is {}", lease.epoch,
                                    job.epoch));
    } else if (done.error().reason != "lease_lost") {
      return At("a late write is refused for another reason", done);
    }
    return Compare(job);
  }

  Status Beat(ModelJob& job, const Lease& lease) {
    NRL_TRY(const jobs::Beat beat, parts_.actor.Heartbeat(lease));
    if (beat.lost == job.held_by(lease)) return Wrong(job, "told a heartbeat the wrong holder");
    if (beat.lost) return Compare(job);
    if (beat.cancel_requested != job.cancel_requested) {
      return Wrong(job, "told a heartbeat wrongly of a cancel");
    }
    job.lease_until_ms = NowMs() + parts_.config.lease_ms;
    return {};
  }

  Status FailAttempt(ModelJob& job, const Lease& lease) {
    const bool permanent = dice_.Below(3) == 0;
    const Error error{permanent ? ErrorCode::kInvalid : ErrorCode::kUnavailable,
                      "something is wrong",
                      "mend it",
                      {},
                      permanent ? "bad" : "down"};
    const auto failed = parts_.actor.FailAttempt(ScopeOf(job), lease, error);
    const Status done = failed ? Status{} : Fail(failed);
    const int64_t now_ms = parts_.clock.Now().value;
    return Judge(job, lease, done, [&] {
      if (permanent || job.attempts >= job.attempts_max) {
        End(job, JobStatus::kFailed);
        job.dead_letter = true;
        return;
      }
      const int64_t longest_ms =
          std::min(parts_.config.backoff_cap_ms,
                   parts_.config.backoff_base_ms << std::min(job.attempts - 1, 30));
      // Jitter is the queue's; a wait beyond the cap shows as a job that is not given when due.
      Requeue(job, std::clamp(failed->run_at.value, now_ms, now_ms + longest_ms));
    });
  }

  Status MarkCanceled(const ModelJob& job, const Lease& lease) {
    return access::Write(parts_.database, ScopeOf(job),
                         [&](access::Tx& tx) { return parts_.queue.MarkCanceled(tx, lease); });
  }

  static void End(ModelJob& job, JobStatus status) { job.status = status; }
  static void Requeue(ModelJob& job, int64_t due_ms) {
    job.status = JobStatus::kQueued;
    job.due_ms = due_ms;
  }

  // What people ask for.
  Status Change() {
    if (jobs_.empty()) return {};
    ModelJob& job =
        std::next(jobs_.begin(), static_cast<int64_t>(dice_.Below(jobs_.size())))->second;
    return dice_.Below(2) == 0 ? Cancel(job) : Redrive(job);
  }

  Status Cancel(ModelJob& job) {
    const Status done = access::Write(parts_.database, ScopeOf(job), [&](access::Tx& tx) {
      return parts_.queue.RequestCancel(tx, job.id);
    });
    if (done.has_value() != job.open()) return Wrong(job, "was canceled wrongly, or not at all");
    if (!done) return Compare(job);
    job.cancel_requested = true;
    if (job.status == JobStatus::kQueued) End(job, JobStatus::kCanceled);
    return Compare(job);
  }

  Status Redrive(ModelJob& job) {
    const bool allowed = (job.status == JobStatus::kFailed || job.status == JobStatus::kCanceled) &&
                         OpenWithKey(job.tenant, job.unique_key) == nullptr;
    const Status done = access::Write(parts_.database, ScopeOf(job), [&](access::Tx& tx) {
      return parts_.queue.Redrive(tx, job.id);
    });
    if (done.has_value() != allowed) return Wrong(job, "was redriven wrongly, or not at all");
    if (!done) return Compare(job);
    job.attempts = job.kills = 0;
    job.cancel_requested = job.dead_letter = false;
    Requeue(job, parts_.clock.Now().value);
    return Compare(job);
  }

  Result<Job> Real(const ModelJob& job) {
    return access::Read(parts_.database, ScopeOf(job),
                        [&](access::Tx& tx) { return parts_.queue.Get(tx, job.id); });
  }

  Status Compare(const ModelJob& job) {
    NRL_TRY(const Job real, Real(job));
    if (real.status != job.status) {
      return Wrong(job, fmt::format("is {}, not {}", ToString(real.status), ToString(job.status)));
    }
    if (real.attempts != job.attempts) {
      return Wrong(job, fmt::format("has {} attempts, not {}", real.attempts, job.attempts));
    }
    if (real.dead_letter != job.dead_letter) return Wrong(job, "is wrongly a dead letter or none");
    if (real.dead_letter && (!real.error || real.error->reason.empty())) {
      return Wrong(job, "is a dead letter without a reason");
    }
    return {};
  }

  Status Drain() {
    const int64_t longest_ms = std::max(parts_.config.lease_ms, parts_.config.backoff_cap_ms) + 1;
    for (int round = 0; round < kDrainRoundsMax; ++round) {
      NRL_CHECK(Advance(longest_ms));
      const size_t before = leases_.size();
      NRL_CHECK(Claim());
      if (leases_.size() == before) return {};
      const Lease lease = leases_.back();
      ModelJob& job = jobs_.at(lease.job.str());
      NRL_CHECK(Judge(job, lease, parts_.actor.Complete(ScopeOf(job), lease), [&] {
        End(job, JobStatus::kSucceeded);
        ++job.outputs;
      }));
    }
    return Fail(ErrorCode::kInternal, "the queue never runs dry");
  }

  Status CheckEnd() {
    int64_t runs = 0;
    for (const auto& [id, job] : jobs_) {
      if (job.open()) return Wrong(job, "has not ended");
      NRL_CHECK(Compare(job));
      NRL_TRY(const int64_t outputs, Outputs(job));
      if (outputs != job.outputs) {
        return Wrong(job, fmt::format("has {} outputs, not {}", outputs, job.outputs));
      }
      NRL_TRY(const auto page, access::Read(parts_.database, ScopeOf(job), [&](access::Tx& tx) {
                return ListRuns(tx, job.id, {.limit = access::kPageLimitMax});
              }));
      runs += page.total;
      for (const JobRun& run : page.items) {
        if (run.status == "running") return Wrong(job, "has an attempt that never ended");
      }
    }
    if (runs == claims_) return {};
    return Fail(ErrorCode::kInternal, fmt::format("{} attempts for {} claims", runs, claims_));
  }

  Result<int64_t> Outputs(const ModelJob& job) {
    static constexpr platform::Statement kOutputs{
        "test.outputs", "SELECT COUNT(*) FROM changes WHERE tenant_id = $1 AND entity_id = $2"};
    return access::Read(parts_.database, ScopeOf(job), [&](access::Tx& tx) -> Result<int64_t> {
      NRL_TRY(const platform::Rows rows, tx.Query(kOutputs, tx.tenant(), job.id));
      return rows[0].Int(0);
    });
  }

  const HistoryParts& parts_;
  SeededRandom dice_;
  std::vector<WorkerId> workers_;
  std::map<std::string, ModelJob> jobs_;
  std::vector<Lease> leases_;
  JobId aborted_;
  std::map<size_t, int64_t> served_;
  int64_t turns_ = 0;
  bool turns_known_ = true;
  int64_t claims_ = 0;
};

}  // namespace narralytica::jobs
