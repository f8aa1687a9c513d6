// The worker: claims jobs, runs their stages, keeps their leases alive, decides what an error
// means.
//
// `slots` jobs run at once, each on its own thread; one more thread sends the heartbeats, sees
// cancellations and numbers the change feed. A graceful stop gives every lease back without using
// up an attempt.
#pragma once

#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "jobs/stage.hpp"

namespace narralytica::jobs {

struct WorkConfig {
  int slots = 2;
  int64_t poll_ms = 500;
  int64_t heartbeat_ms = 1'000;
  void Bind(platform::ConfigBinder& binder);
};

// By StageName::Label(), "enrich:embedding".
using StageMap = std::map<std::string, std::unique_ptr<Stage>>;

class Worker {
 public:
  Worker(StageServices services, WorkConfig config, StageMap stages, platform::Logger log);

  // Works until `stop`, or, with `drain`, until nothing is queued or running. Returns when every
  // lease is given back or settled.
  Status Run(const std::stop_token& stop, bool drain);
  // There may be work: idle slots look now. Cheap; from any thread.
  void Hint();

 private:
  struct Active {
    StageContext* context = nullptr;
    std::stop_source stop;
    bool cancel_requested = false;
    bool lost = false;
  };

  void RunSlot(const std::stop_token& stop);
  Result<std::optional<ClaimedJob>> Claim();
  // Logged when it begins and when it ends, not at every look.
  void NoteObstacle(const Error* error);
  void RunJob(ClaimedJob claimed, const std::stop_token& stop);
  // Gives back or ends a job that did not succeed; what became of it, a label of kEnded.
  std::string_view Settle(StageContext& context, const Active& active, const Status& outcome,
                          const std::stop_token& stop);
  void Beat();
  void CountOpen();
  void Wait(int64_t duration_ms, const std::stop_token& stop);
  // A heartbeat long, or until no job runs.
  void WaitForSlots();
  // As Wait, ended by a hint.
  void WaitForWork(const std::stop_token& stop);

  StageServices services_;
  const WorkConfig config_;
  const StageMap stages_;
  const platform::CounterFamily ended_;
  const platform::HistogramFamily seconds_;
  const platform::HistogramFamily wait_seconds_;
  const platform::GaugeFamily open_;
  const platform::Logger log_;
  const WorkerId id_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::list<Active> active_;
  std::string obstacle_;  // why no job is claimed; "" while some are
  int hints_ = 0;         // looks that idle slots owe
};

}  // namespace narralytica::jobs
