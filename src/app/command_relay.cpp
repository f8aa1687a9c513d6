// `relay`: the way out of the box in which yt-dlp runs. Started by the worker, never by hand.
#include "app/cli.hpp"
#include "source/video_site.hpp"

namespace narralytica::app {

void AddRelayCommand(CommandSet& commands) {
  auto socket = std::make_shared<std::string>();
  auto command_line = std::make_shared<std::vector<std::string>>();
  CLI::App* command = commands.app.add_subcommand("relay", "carry a program's traffic (internal)");
  command->group("");  // hidden
  command->add_option("--socket", *socket, "the proxy's Unix socket")->required();
  command->add_option("command", *command_line, "what to run")->required();
  command->callback([&commands, socket, command_line] {
    commands.exit_code = source::RunRelay(*socket, *command_line);
  });
}

}  // namespace narralytica::app
