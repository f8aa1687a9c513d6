// `work`: claims jobs and runs them.
#include "app/work.hpp"

#include "app/cli.hpp"

namespace narralytica::app {
namespace {

Status Work(const CommonOptions& options, bool drain, const std::stop_token& stop) {
  NRL_TRY(const auto installation, OpenInstallation(options, "work"));
  return RunWorker(*installation, stop, drain);
}

}  // namespace

void AddWorkCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  auto drain = std::make_shared<bool>(false);
  CLI::App* command = commands.app.add_subcommand("work", "claim jobs and run them until stopped");
  AddCommonOptions(*command, *options, Place::kFolder);
  command->add_flag("--drain", *drain, "stop when no job is queued or running");
  command->callback([&commands, options, drain] {
    SignalStop stop;
    const Status status = Work(*options, *drain, stop.token());
    commands.exit_code = status ? kDone : FailCommand(status.error(), options->json);
  });
}

}  // namespace narralytica::app
