#include "jobs/worker.hpp"

#include <unistd.h>

#include <thread>

#include "jobs/changes.hpp"
#include "jobs/outcome.hpp"

namespace narralytica::jobs {
namespace {

constexpr int kChangesPerBeat = 1'000;

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1'000; }

}  // namespace

void WorkConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("work.slots", &slots, {1, 64}, "jobs that one worker runs at once");
  binder.Field("work.poll_ms", &poll_ms, {10, 60'000}, "how often an idle worker looks for jobs");
  binder.Field("work.heartbeat_ms", &heartbeat_ms, {50, 60'000},
               "how often leases are renewed and progress is stored");
}

Worker::Worker(StageServices services, WorkConfig config, StageMap stages, platform::Logger log)
    : services_(std::move(services)),
      config_(config),
      stages_(std::move(stages)),
      ended_(services_.metrics.Counters("narralytica_job_attempts_total",
                                        "attempts at jobs, by what became of them")),
      seconds_(services_.metrics.Histograms("narralytica_job_seconds", "how long an attempt took",
                                            platform::SecondsBounds())),
      wait_seconds_(services_.metrics.Histograms("narralytica_job_wait_seconds",
                                                 "how long a job that was due waited for a worker",
                                                 platform::SecondsBounds())),
      open_(services_.metrics.Gauges("narralytica_jobs_open", "jobs queued or running")),
      log_(std::move(log)),
      id_(WorkerId::New(services_.environment)) {}

Status Worker::Run(const std::stop_token& stop, bool drain) {
  NRL_CHECK(services_.queue.SeeWorker(id_, getpid()));
  log_.Info("worker started", {{"worker", id_.str()}, {"slots", config_.slots}});
  std::stop_source slots_stop;
  const std::stop_callback forward(stop, [&] { slots_stop.request_stop(); });
  {
    std::vector<std::jthread> slots;
    for (int i = 0; i < config_.slots; ++i) {
      slots.emplace_back([this, token = slots_stop.get_token()] { RunSlot(token); });
    }
    while (!slots_stop.stop_requested()) {
      Beat();
      if (drain) {
        const auto open = services_.queue.CountOpen();
        if (open && *open == 0) slots_stop.request_stop();
      }
      Wait(config_.heartbeat_ms, slots_stop.get_token());
    }
    wake_.notify_all();
    // Stages see the stop through their own tokens; leases stay alive until they have ended.
    {
      const std::lock_guard lock(mutex_);
      for (Active& active : active_) active.stop.request_stop();
    }
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (active_.empty()) break;
      }
      Beat();
      WaitForSlots();
    }
  }
  CountOpen();
  log_.Info("worker stopped", {{"worker", id_.str()}});
  return services_.queue.ForgetWorker(id_);
}

void Worker::RunSlot(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto claimed = Claim();
    NoteObstacle(claimed ? nullptr : &claimed.error());
    if (!claimed) {
      Wait(config_.poll_ms, stop);
    } else if (*claimed) {
      RunJob(std::move(**claimed), stop);
    } else {
      WaitForWork(stop);
    }
  }
}

Result<std::optional<ClaimedJob>> Worker::Claim() {
  if (services_.has_room) NRL_CHECK(services_.has_room());
  return services_.queue.Claim(id_);
}

void Worker::NoteObstacle(const Error* error) {
  const std::lock_guard lock(mutex_);
  const std::string obstacle = error == nullptr ? "" : error->message;
  if (obstacle == obstacle_) return;
  obstacle_ = obstacle;
  if (error != nullptr) {
    log_.Error("no job is claimed", *error);
  } else {
    log_.Info("jobs are claimed again");
  }
}

void Worker::Hint() {
  const std::lock_guard lock(mutex_);
  hints_ = config_.slots;
  wake_.notify_all();
}

void Worker::WaitForWork(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, std::chrono::milliseconds(config_.poll_ms),
                 [this] { return hints_ > 0; });
  if (hints_ > 0) --hints_;
}

void Worker::RunJob(ClaimedJob claimed, const std::stop_token& stop) {
  const Job& job = claimed.job;
  const platform::Logger log = log_.With("trace", job.trace)
                                   .With("job", job.id.str())
                                   .With("video", job.video.str())
                                   .With("stage", job.stage.Label());
  std::list<Active>::iterator active;
  {
    const std::lock_guard lock(mutex_);
    active = active_.emplace(active_.end());
    if (stop.stop_requested()) active->stop.request_stop();
  }
  StageContext context(services_, std::move(claimed), active->stop.get_token(), log);
  {
    const std::lock_guard lock(mutex_);
    active->context = &context;
  }
  const int64_t started_ms = services_.environment.clock.BootMs();
  log.Info("stage started", {{"attempt", context.job().attempts}});
  const platform::MetricLabels label{{"stage", context.job().stage.Label()}};
  const UtcMs waits_since = std::max(context.job().run_at, context.job().queued_at);
  wait_seconds_.Observe(label,
                        Seconds(services_.environment.clock.Now().value - waits_since.value));
  const auto stage = stages_.find(context.job().stage.Label());
  const Status outcome =
      stage == stages_.end()
          ? Fail(ErrorCode::kInternal, "this worker has no stage " + context.job().stage.Label())
          : stage->second->Run(context);
  Active last;
  {
    const std::lock_guard lock(mutex_);
    last = *active;
    active->context = nullptr;
  }
  const int64_t took_ms = services_.environment.clock.BootMs() - started_ms;
  if (outcome) log.Info("stage done", {{"took_ms", took_ms}});
  const std::string_view became = outcome ? "succeeded" : Settle(context, last, outcome, stop);
  seconds_.Observe(label, Seconds(took_ms));
  ended_.Add({{"stage", context.job().stage.Label()}, {"outcome", std::string(became)}});
  const std::lock_guard lock(mutex_);
  active_.erase(active);
  wake_.notify_all();
}

std::string_view Worker::Settle(StageContext& context, const Active& active, const Status& outcome,
                                const std::stop_token& stop) {
  const Error& error = outcome.error();
  const Lease& lease = context.lease();
  if (active.lost || OutcomeOf(error) == Outcome::kLeaseLost) {
    context.log().Warn("lease lost; another worker has the job");
    return "lease_lost";
  }
  Status settled;
  std::string_view became = "failed";
  if (active.cancel_requested) {
    became = "canceled";
    settled = context.Settle([&](access::Tx& tx) -> Status {
      NRL_CHECK(services_.queue.MarkCanceled(tx, lease));
      return SettleJob(tx, services_, lease.job);
    });
  } else if (stop.stop_requested() && OutcomeOf(error) == Outcome::kStopped) {
    became = "released";
    settled = context.Release();
    context.log().Info("job released");
  } else {
    context.log().Error("stage failed", error);
    settled = context.Settle([&](access::Tx& tx) -> Status {
      NRL_CHECK(services_.queue.FailAttempt(tx, lease, error));
      return SettleJob(tx, services_, lease.job);
    });
  }
  // Not fatal: the lease runs out and the job is taken over.
  if (!settled) context.log().Error("cannot settle the job", settled.error());
  return became;
}

void Worker::Beat() {
  const Status seen = services_.queue.SeeWorker(id_, getpid());
  if (!seen) log_.Error("cannot renew the worker's registration", seen.error());
  {
    const std::lock_guard lock(mutex_);
    for (Active& active : active_) {
      if (active.context == nullptr) continue;
      const auto beat = active.context->Heartbeat();
      if (!beat) {
        active.context->log().Error("cannot renew the lease", beat.error());
        continue;
      }
      active.cancel_requested |= beat->cancel_requested;
      active.lost |= beat->lost;
      if (beat->lost || beat->cancel_requested) active.stop.request_stop();
    }
  }
  const auto numbered =
      access::Write(services_.database, access::SystemScope("sequencer"),
                    [](access::Tx& tx) { return NumberChanges(tx, kChangesPerBeat); });
  if (!numbered) log_.Error("cannot number the changes", numbered.error());
  CountOpen();
}

void Worker::CountOpen() {
  if (const auto open = services_.queue.CountOpen()) open_.Set({}, *open);
}

void Worker::WaitForSlots() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(config_.heartbeat_ms),
                 [this] { return active_.empty(); });
}

void Worker::Wait(int64_t duration_ms, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, std::chrono::milliseconds(duration_ms), [] { return false; });
}

}  // namespace narralytica::jobs
