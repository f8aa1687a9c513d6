// narralytica: one binary, many processes. ARCHITECTURE.md lists them.
#include <cstdio>
#include <system_error>

#include "app/cli.hpp"
#include "app/version.hpp"

namespace {

using namespace narralytica::app;

int FailOutput() {
  FailCommand({narralytica::ErrorCode::kInternal, "the output could not be written whole",
               "make room where it goes, then run the command again", "", ""},
              false);
  return kUnexpected;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Narralytica: recorded speech in, evidence out.", "narralytica");
  app.require_subcommand(1);
  app.set_version_flag("--version", Version());
  app.footer("narralytica COMMAND --help explains a command and its exit codes.");
  CommandSet commands{app};
  AddIngestCommand(commands);
  AddSearchCommand(commands);
  AddTranscriptCommand(commands);
  AddExportCommand(commands);
  AddSpeakersCommand(commands);
  AddJobsCommand(commands);
  AddModelsCommand(commands);
  AddIndexCommand(commands);
  AddMigrateCommand(commands);
  AddDoctorCommand(commands);
  AddFsckCommand(commands);
  AddFeedsCommand(commands);
  AddKeyCommand(commands);
  AddUpCommand(commands);
  AddServeCommand(commands);
  AddWorkCommand(commands);
  AddEngineCommand(commands);
  AddMediaCommand(commands);
  AddRelayCommand(commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  } catch (const Json::exception& error) {  // a document without what the contract says it has
    return FailCommand({narralytica::ErrorCode::kUnavailable,
                        "that is not an answer of a Narralytica server",
                        "check the address of --server, and that its version is not older",
                        error.what(),
                        {}},
                       false);
  } catch (const std::system_error&) {  // {fmt} could not print
    return FailOutput();
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return FailOutput();
  return commands.exit_code;
}
