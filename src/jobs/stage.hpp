// What a stage of the pipeline is to the worker, and what the worker is to a stage.
//
// A stage reads its input rows and objects, works, and ends in exactly one Finish: one transaction
// that checks the lease, writes the output, appends to the change feed, completes the job and
// enqueues what follows. Everything it did before that is invisible; dying at any point loses at
// most the work since its last checkpoint.
//
// Whatever an attempt writes goes through its context, which carries the lease: once another worker
// has the job, every kind of write is refused with kConflict, reason "lease_lost", and counted in
// narralytica_jobs_stale_writes_total.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "access/tx.hpp"
#include "base/deadline.hpp"
#include "jobs/progress_meter.hpp"
#include "jobs/queue.hpp"
#include "platform/log.hpp"
#include "platform/metrics.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::jobs {

// Called in the transaction in which a job ended, with all jobs of its video; the owner of the
// videos table keeps the status there.
using VideoStatusHook = std::function<Status(access::Tx&, const VideoId&, std::string_view status)>;

struct StageServices {
  platform::Database& database;
  Environment environment;
  Queue& queue;
  VideoStatusHook set_video_status;
  platform::Metrics& metrics;
  // Asked before a job is claimed: an error makes the worker wait. Empty: there always is.
  std::function<Status()> has_room = {};
};

// The kinds of write that a worker makes on behalf of a job, as counted when they come late.
enum class WriteKind {
  kHeartbeat,
  kCheckpoint,
  kOutput,
  kObject,
  kIndex,
  kCompletion,
  kFailure  // or any other end that is not a completion
};
std::string_view ToString(WriteKind kind);

class StageContext {
 public:
  StageContext(StageServices services, ClaimedJob claimed, std::stop_token stop,
               platform::Logger log);

  const Job& job() const { return claimed_.job; }
  const Lease& lease() const { return claimed_.lease; }
  platform::Database& database() { return services_.database; }
  const access::Scope& scope() const { return scope_; }
  Environment environment() const { return services_.environment; }
  const platform::Logger& log() const { return log_; }
  // Stops when the job is canceled, its lease is lost or the worker goes down.
  const std::stop_token& stop() const { return stop_; }

  // Cheap; stored with the next heartbeat. `fraction` of this job in 0..1; never goes back.
  void SetProgress(double fraction, std::string_view stage);
  // Of an ingest job, as on the wire: "downloading", "processing", "storing".
  void SetPhase(std::string_view phase);
  JobProgress progress() const;

  Result<std::vector<std::string>> LoadCheckpoints();
  Status AppendCheckpoint(int part, const std::string& body);
  // Extends the lease and stores the progress.
  Result<Beat> Heartbeat();

  // Before a write that no transaction of ours fences: refused when the lease is another's by now.
  Status CheckLease(WriteKind kind);
  // ObjectStore::Put and PutFile for the job's tenant, after CheckLease. An object is named by its
  // content and harmless when it comes late; nothing of it is seen before a fenced row names it.
  Result<platform::ObjectRef> PutObject(platform::ObjectStore& objects,
                                        std::span<const uint8_t> content);
  Result<platform::ObjectRef> PutObjectFile(platform::ObjectStore& objects,
                                            const std::string& path);

  // A read on one snapshot.
  template <typename Body>
  auto Read(Body&& body) {
    return access::Read(services_.database, scope_, std::forward<Body>(body));
  }
  // A fenced write before the end.
  Status Write(const std::function<Status(access::Tx&)>& body);
  // The end of an attempt that did not succeed; `body` says how.
  Status Settle(const std::function<Status(access::Tx&)>& body);
  // Gives the job back without using up the attempt.
  Status Release();
  // The stage's end; see above.
  Status Finish(const std::function<Status(access::Tx&)>& body);
  // The end of a job after which nothing follows and whose video's status `body` settles: what it
  // was to make is there already.
  Status FinishAlone(const std::function<Status(access::Tx&)>& body);

 private:
  Status WriteAs(WriteKind kind, const std::function<Status(access::Tx&)>& body);
  // Counts `error` when it says that the write came late.
  void Note(WriteKind kind, const Error& error) const;

  StageServices services_;
  ClaimedJob claimed_;
  access::Scope scope_;
  platform::CounterFamily stale_;
  std::stop_token stop_;
  platform::Logger log_;
  mutable std::mutex mutex_;
  ProgressMeter meter_;
};

class Stage {
 public:
  virtual ~Stage() = default;
  // One attempt. Returns ok only after Finish did. Several threads may run it for different jobs.
  virtual Status Run(StageContext& context) = 0;
};

// Ends a job's transaction: what follows is enqueued and the video's status is brought up to date.
Status SettleJob(access::Tx& tx, const StageServices& services, const JobId& job);

}  // namespace narralytica::jobs
