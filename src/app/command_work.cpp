// `work`: claims jobs and runs them. `up`: the embedded default, everything on one machine.
#include <fcntl.h>
#include <fmt/format.h>

#include "app/cli.hpp"
#include "app/engine_supervisor.hpp"
#include "app/work.hpp"
#include "platform/file.hpp"
#include "platform/process/child_process.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::milliseconds kRestartAfter{500};
constexpr std::chrono::milliseconds kWorkerGrace{20'000};

Status Work(const CommonOptions& options, bool drain, const std::stop_token& stop) {
  NRL_TRY(const auto installation, OpenInstallation(options, "work"));
  return RunWorker(*installation, stop, drain);
}

platform::ChildOptions WorkerChild(const Installation& installation) {
  platform::ChildOptions child;
  child.program = platform::ProgramPath();
  child.arguments = {"work", "--data", installation.folder()};
  for (const std::string& setting : installation.settings()) {
    child.arguments.insert(child.arguments.end(), {"--set", setting});
  }
  child.environment_kept.insert(
      child.environment_kept.end(),
      {"HOME", "NARRALYTICA_CACHE", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR",
       "NARRALYTICA_DATABASE__URL", "NARRALYTICA_DATABASE__PASSWORD_FILE", "PGPASSFILE",
       "PGPASSWORD", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"});
  return child;
}

Status Up(const CommonOptions& options, const std::stop_token& stop) {
  NRL_TRY(const auto installation, OpenInstallation(options, "up"));
  const platform::Logger& log = installation->log();
  EngineSupervisor engine(
      {installation->folder(), installation->engine_socket(), installation->settings(), "",
       installation->config().engine.start_timeout_ms},
      log);
  NRL_CHECK(engine.WaitReady(Deadline::Never(stop)));
  Note(fmt::format("narralytica is up on {}; Ctrl-C stops it", installation->folder()));
  while (!stop.stop_requested()) {
    auto worker = platform::ChildProcess::Spawn(WorkerChild(*installation));
    if (!worker) return Fail(worker);
    log.Info("worker process started", {{"pid", worker->pid()}});
    while (!stop.stop_requested() && !worker->Poll()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    if (stop.stop_requested()) {
      worker->Terminate(kWorkerGrace);
      break;
    }
    log.Warn("worker process ended; it is started again",
             {{"how", worker->Terminate().Describe()}});
    std::this_thread::sleep_for(kRestartAfter);
  }
  return {};
}

}  // namespace

void AddWorkCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  auto drain = std::make_shared<bool>(false);
  CLI::App* command = commands.app.add_subcommand("work", "claim jobs and run them until stopped");
  AddCommonOptions(*command, *options);
  command->add_flag("--drain", *drain, "stop when no job is queued or running");
  command->callback([&commands, options, drain] {
    SignalStop stop;
    const Status status = Work(*options, *drain, stop.token());
    commands.exit_code = status ? kDone : FailCommand(status.error(), options->json);
  });
}

void AddUpCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "up", "run everything on this machine: the engine and a worker, restarted when they die");
  AddCommonOptions(*command, *options);
  command->callback([&commands, options] {
    SignalStop stop;
    const Status status = Up(*options, stop.token());
    commands.exit_code = status ? kDone : FailCommand(status.error(), options->json);
  });
}

}  // namespace narralytica::app
