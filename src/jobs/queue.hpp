// The queue: durable jobs in the database, claimed by lease, fenced by epoch.
//
// Guarantees: a job exists if and only if the transaction that caused it committed; at most one
// holder of a lease can write (every write of a stage goes through Fence in its own transaction);
// a holder that dies loses the lease after `lease_ms` and another continues from the checkpoints;
// a job that kills its worker `kills_max` times is quarantined (failed, reason "poison").
//
// Who is next: tenants with due work take turns, the least recently served first, so that nobody's
// backlog delays another. Within a tenant the order is of due times, each moved forward by the
// job's priority, so that the least urgent job is overtaken only by what comes within
// `priority_wait_ms_max` after it. A job whose tenant, stage or service has as many jobs running as
// it may is passed over; what runs is counted from the rows held, so that the limits hold across
// processes and their deaths.
//
// On SQLite leases run on CLOCK_BOOTTIME together with the boot id: stepping the wall clock neither
// frees nor freezes one, and a lease of an earlier boot is over. On PostgreSQL they run on the
// server's clock, whatever machine a worker is on. Thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "access/tx.hpp"
#include "jobs/job.hpp"
#include "platform/config.hpp"

namespace narralytica::jobs {

// At most so many jobs run at once over all workers; 0: no limit.
struct RunningLimits {
  int tenant_max = 0, service_max = 0;
  int ingest_max = 0, diarize_max = 0, transcribe_max = 0, enrich_max = 0, index_max = 0;
  bool any() const {
    return tenant_max + service_max + ingest_max + diarize_max + transcribe_max + enrich_max +
               index_max >
           0;
  }
};

struct QueueConfig {
  int64_t lease_ms = 15'000;
  int kills_max = 3;
  int64_t backoff_base_ms = 1'000;
  int64_t backoff_cap_ms = 60'000;
  int64_t priority_wait_ms_max = 600'000;
  RunningLimits running;
  void Bind(platform::ConfigBinder& binder);
};

// Jobs that wait, counted no further than was asked.
struct QueuedCounts {
  int64_t total = 0;
  int64_t of_tenant = 0;
};

struct ClaimedJob {
  Job job;
  Lease lease;
};

struct Beat {
  bool cancel_requested = false;
  bool lost = false;  // the lease is no longer ours
};

struct JobProgress {
  double fraction = 0;
  std::string stage;
  std::optional<int64_t> eta_ms;
  std::string phase = {};  // of an ingest job: "downloading", "processing", "storing"
};

// Jobs in one call of ClaimMany or CompleteMany.
inline constexpr int kClaimMax = 1'000;

class Queue {
 public:
  Queue(platform::Database& database, Environment environment, QueueConfig config);

  // In the caller's transaction. The job that now stands for the request: a new one, or the one
  // with the same unique_key that is still queued or running.
  Result<JobId> Enqueue(access::Tx& tx, const NewJob& job);

  // The next job that is due, over all tenants, or nullopt. Takes over expired leases first.
  Result<std::optional<ClaimedJob>> Claim(const WorkerId& worker);

  // Up to `count` of them, 1 to kClaimMax; on PostgreSQL in one round trip. Fewer than asked for
  // does not mean that no more are due.
  Result<std::vector<ClaimedJob>> ClaimMany(const WorkerId& worker, int count);

  // Extends the lease and stores progress.
  Result<Beat> Heartbeat(const Lease& lease, const JobProgress& progress);
  // Fails with reason "lease_lost" unless the lease is the current one; call first in every
  // transaction that writes on behalf of a job.
  Status Fence(access::Tx& tx, const Lease& lease);
  // The same outside of a transaction, for a write that the database does not see.
  Status CheckLease(const Lease& lease);
  Status AppendCheckpoint(const Lease& lease, int part, const std::string& body);
  // All parts in order; empty on a first attempt.
  Result<std::vector<std::string>> LoadCheckpoints(const Lease& lease);

  // Ends. Complete is part of the stage's own last transaction.
  Status Complete(access::Tx& tx, const Lease& lease);
  // Jobs whose stage has nothing more to write, over all tenants, as a transaction of its own;
  // those that were still held. On PostgreSQL in one round trip. At most kClaimMax.
  Result<std::vector<JobId>> CompleteMany(const std::vector<Lease>& leases);
  // Decides by jobs/outcome.hpp; the returned job tells what became of it.
  Result<Job> FailAttempt(access::Tx& tx, const Lease& lease, const Error& error);
  // Gives the job back to its place in the queue, without using up the attempt.
  Status Release(const Lease& lease);
  Status MarkCanceled(access::Tx& tx, const Lease& lease);

  // What people ask for. kConflict when the state does not allow it.
  Status RequestCancel(access::Tx& tx, const JobId& job);
  // Back to the queue with all its attempts; the job's events say who asked.
  Status Redrive(access::Tx& tx, const JobId& job);

  Result<Job> Get(access::Tx& tx, const JobId& job);
  Result<std::vector<Job>> OfVideo(access::Tx& tx, const VideoId& video);
  // Newest first, those before `before` (empty: from the newest).
  Result<std::vector<Job>> List(access::Tx& tx, const JobId& before, int limit);

  // Worker registration, renewed with each call; a worker is live for one lease after it was seen.
  Status SeeWorker(const WorkerId& worker, int process_id);
  Status ForgetWorker(const WorkerId& worker);
  Result<int> CountLiveWorkers();
  // Jobs queued or running, over all tenants.
  Result<int> CountOpen();
  // Over all tenants, and of one; each up to its value in `most`.
  Result<QueuedCounts> CountQueued(const TenantId& tenant, const QueuedCounts& most);

  Status AppendEvent(access::Tx& tx, const Job& job, std::string_view type,
                     const std::string& payload);

  // Calls `wake` after every transaction of this process that made a job due, from the thread that
  // committed it. Set once, before the queue is shared.
  void OnWork(std::function<void()> wake) { wake_ = std::move(wake); }

 private:
  Status StartRun(access::Tx& tx, const Job& job, const Lease& lease);
  Status EndRun(access::Tx& tx, const Lease& lease, std::string_view status, const Error* error);
  Result<std::optional<ClaimedJob>> ClaimIn(access::Tx& tx, const WorkerId& worker);
  // By PostgreSQL's own function; empty also where only ClaimIn can tell.
  Result<std::vector<ClaimedJob>> ClaimByFunction(const WorkerId& worker, int count);
  // A row of the job to claim, or nullopt.
  Result<std::optional<platform::Row>> NextDue(access::Tx& tx);
  Result<std::optional<platform::Row>> NextExpired(access::Tx& tx);
  Result<std::optional<platform::Row>> NextQueued(access::Tx& tx);
  Status Quarantine(access::Tx& tx, const platform::Row& row);
  // How much sooner one step of priority makes a job due.
  int64_t PriorityStepMs() const;
  void WakeAfter(access::Tx& tx);
  access::Scope TenantScope(const Lease& lease) const;

  platform::Database& database_;
  Environment environment_;
  const QueueConfig config_;
  const std::string boot_id_;
  std::function<void()> wake_;
};

}  // namespace narralytica::jobs
