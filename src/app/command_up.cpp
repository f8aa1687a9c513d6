// `up`: the embedded default, everything on one machine.
#include <fmt/format.h>

#include "access/keys.hpp"
#include "app/cli.hpp"
#include "app/engine_supervisor.hpp"
#include "platform/file.hpp"
#include "platform/process/child_process.hpp"

namespace narralytica::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPoll{100};
constexpr milliseconds kRestartMin{500};
constexpr milliseconds kRestartMax{10'000};
constexpr milliseconds kHealthyAfter{30'000};
constexpr milliseconds kGrace{25'000};  // more than a drain of `serve` takes

// One process of ours that is started again whenever it ends.
class Kept {
 public:
  Kept(const Installation& store, std::string command)
      : store_(store), command_(std::move(command)) {}

  // Looks after it once. The error of a first start that ends at once: that will not mend itself.
  Status Look() {
    if (child_) {
      const auto exit = child_->Poll();
      if (!exit) return {};
      const auto lived = steady_clock::now() - started_;
      child_.reset();
      if (lived > kHealthyAfter) wait_ = kRestartMin;
      if (starts_ == 1 && lived < kHealthyAfter && !exit->signaled) {
        return Fail(ErrorCode::kUnavailable, fmt::format("{} cannot start", command_),
                    "what it said stands above", exit->Describe());
      }
      store_.log().Warn("a process ended; it is started again",
                        {{"command", command_}, {"how", exit->Describe()}});
      start_at_ = steady_clock::now() + wait_;
      wait_ = std::min(wait_ * 2, kRestartMax);
    }
    return steady_clock::now() < start_at_ ? Status{} : Start();
  }

  void Stop() {
    if (child_) child_->Terminate(kGrace);
  }

 private:
  Status Start() {
    platform::ChildOptions options;
    options.program = platform::ProgramPath();
    options.arguments = {command_, "--data", store_.folder()};
    for (const std::string& setting : store_.settings()) {
      options.arguments.insert(options.arguments.end(), {"--set", setting});
    }
    options.environment_kept.insert(
        options.environment_kept.end(),
        {"HOME", "NARRALYTICA_CACHE", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR",
         "NARRALYTICA_DATABASE__URL", "NARRALYTICA_DATABASE__PASSWORD_FILE", "PGPASSFILE",
         "PGPASSWORD", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"});
    auto child = platform::ChildProcess::Spawn(options);
    if (!child) return Fail(child);
    child_ = std::move(*child);
    started_ = steady_clock::now();
    ++starts_;
    store_.log().Info("process started", {{"command", command_}, {"pid", child_->pid()}});
    return {};
  }

  const Installation& store_;
  const std::string command_;
  std::optional<platform::ChildProcess> child_;
  steady_clock::time_point started_, start_at_;
  milliseconds wait_ = kRestartMin;
  int starts_ = 0;
};

// The first start makes the key to begin with, and shows it.
Status EnsureFirstKey(Installation& store) {
  const UtcMs now = store.environment().clock.Now();
  std::string secret;
  NRL_CHECK(access::Write(store.database(), store.scope(), [&](access::Tx& tx) -> Status {
    NRL_TRY(const int64_t usable, access::CountUsableKeys(tx, now));
    if (usable > 0) return {};
    NRL_TRY(const auto created,
            access::CreateKey(tx, {"first start", "admin", {}, {}}, store.environment()));
    secret = created.secret;
    return {};
  }));
  if (secret.empty()) return {};
  Note("no key can be used yet, so here is one for an admin; it is shown this once:");
  Note(fmt::format("\n    {}\n", secret));
  Note("sign in with it at the address below; narralytica key makes others");
  return {};
}

Status Up(const CommonOptions& options, const std::stop_token& stop) {
  NRL_TRY(const auto store, OpenInstallation(options, "up"));
  EngineSupervisor engine({store->folder(), store->engine_socket(), store->settings(), "",
                           store->config().engine.start_timeout_ms},
                          store->log());
  NRL_CHECK(engine.WaitReady(Deadline::Never(stop)));
  NRL_CHECK(EnsureFirstKey(*store));
  Note(fmt::format("narralytica is up on {}; Ctrl-C stops it", store->folder()));
  Kept worker(*store, "work");
  Kept server(*store, "serve");
  Status status;
  while (status && !stop.stop_requested()) {
    status = worker.Look();
    if (status) status = server.Look();
    std::this_thread::sleep_for(kPoll);
  }
  server.Stop();
  worker.Stop();
  return status;
}

}  // namespace

void AddUpCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "up", "run everything on this machine, restarted when it dies: engine, worker and server");
  AddCommonOptions(*command, *options, Place::kFolder);
  AddPortOption(*command, *options);
  command->callback([&commands, options] {
    SignalStop stop;
    const Status status = Up(*options, stop.token());
    commands.exit_code = status ? kDone : FailCommand(status.error(), options->json);
  });
}

}  // namespace narralytica::app
