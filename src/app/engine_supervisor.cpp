#include "app/engine_supervisor.hpp"

#include <fcntl.h>

#include <condition_variable>
#include <mutex>

#include "platform/file.hpp"
#include "platform/inference/engine_client.hpp"
#include "platform/process/child_process.hpp"

namespace narralytica::app {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoll{50};
constexpr milliseconds kHealthTimeout{2'000};
constexpr milliseconds kBackoffMin{200};
constexpr milliseconds kBackoffMax{10'000};
constexpr milliseconds kHealthyAfter{30'000};
constexpr milliseconds kWatch{1'000};

void Pause(milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
}

}  // namespace

EngineSupervisor::EngineSupervisor(EngineSupervisorOptions options, platform::Logger log)
    : options_(std::move(options)),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { Supervise(stop); }) {}

Status EngineSupervisor::WaitReady(const Deadline& deadline) {
  const Deadline start = Deadline::In(milliseconds(options_.start_timeout_ms), deadline.stop());
  while (!Answers()) {
    if (deadline.stopped()) return Fail(ErrorCode::kCanceled, "stopped");
    if (start.expired() || deadline.expired()) {
      return Fail(ErrorCode::kUnavailable, "the engine process does not start",
                  "narralytica doctor says what it lacks; its log is in the data folder");
    }
    Pause(kPoll, deadline.stop());
  }
  return {};
}

bool EngineSupervisor::Answers() {
  platform::EngineClient client(options_.socket_path);
  return client.Call("health", nlohmann::json::object(), {}, Deadline::In(kHealthTimeout))
      .has_value();
}

void EngineSupervisor::Supervise(const std::stop_token& stop) {
  milliseconds backoff = kBackoffMin;
  while (!stop.stop_requested()) {
    if (Answers()) {
      Pause(kWatch, stop);
      continue;
    }
    const auto started = std::chrono::steady_clock::now();
    RunChild(stop);
    const auto lived = std::chrono::steady_clock::now() - started;
    backoff = lived > kHealthyAfter ? kBackoffMin : std::min(backoff * 2, kBackoffMax);
    Pause(backoff, stop);
  }
}

void EngineSupervisor::RunChild(const std::stop_token& stop) {
  platform::ChildOptions child;
  child.program = platform::ProgramPath();
  child.arguments = {"engine", "--data", options_.data_folder};
  for (const std::string& setting : SettingsWithout("database.", options_.settings)) {
    child.arguments.insert(child.arguments.end(), {"--set", setting});
  }
  child.environment_kept.insert(
      child.environment_kept.end(),
      {"HOME", "NARRALYTICA_CACHE", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"});
  platform::FileDescriptor log_file;
  if (!options_.log_path.empty()) {
    log_file = platform::FileDescriptor(
        open(options_.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (log_file.valid()) child.fds.push_back({log_file.get(), 2});
  }
  auto engine = platform::ChildProcess::Spawn(child);
  if (!engine) {
    log_.Error("cannot start the engine", engine.error());
    return;
  }
  log_.Info("engine started", {{"pid", engine->pid()}});
  const auto exit = engine->Wait(Deadline::Never(stop));
  if (exit) log_.Warn("engine ended; it is started again", {{"how", exit->Describe()}});
}

}  // namespace narralytica::app
