// `media`: the sandboxed child that reads one recording. Started by the worker, never by hand.
#include "app/cli.hpp"
#include "media/child.hpp"

namespace narralytica::app {

void AddMediaCommand(CommandSet& commands) {
  CLI::App* command = commands.app.add_subcommand("media", "read one recording (internal)");
  command->group("");  // hidden
  command->callback([] { media::MediaChildMain(); });
}

}  // namespace narralytica::app
