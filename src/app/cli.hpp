// What every command shares: where it works (--data DIR, or --server URL with a key), --json and
// --set, what is printed where, and what an exit code means.
//
// With --json exactly one JSON document goes to stdout and everything else to stderr. Exit codes:
// 0 all done, 1 unexpected, 2 wrong usage, 3 some inputs failed (each with its error), 4 not found,
// 5 denied, 6 a dependency is unavailable, 7 a check or gate said no.
#pragma once

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/installation.hpp"
#include "base/result.hpp"

namespace narralytica::app {

using Json = nlohmann::ordered_json;

enum ExitCode : int {
  kDone = 0,
  kUnexpected = 1,
  kUsage = 2,
  kSomeFailed = 3,
  kNotFoundExit = 4,
  kDeniedExit = 5,
  kDependencyDown = 6,
  kCheckFailed = 7,
};
int ExitCodeOf(const Error& error);

struct CommonOptions {
  std::string data_folder;
  std::vector<std::string> settings;  // key=value
  bool json = false;
  std::string server;  // "": the data folder
  std::string key, key_file;
};

// Where a command can work.
enum class Place { kFolder, kFolderOrServer };

// Adds --data, --database, --server, --key, --key-file, --set and --json to a command, and settles
// which place it works on: what the command line names, then NARRALYTICA_SERVER, then
// NARRALYTICA_DATA, then the user's data folder. Wrong usage: two places at once, and a server for
// a command that needs the folder. `options` must outlive the command.
void AddCommonOptions(CLI::App& command, CommonOptions& options, Place place);

// Adds --port, short for --set serve.port=.
void AddPortOption(CLI::App& command, CommonOptions& options);

Result<std::unique_ptr<Installation>> OpenInstallation(const CommonOptions& options,
                                                       std::string_view process);

// {"code", "message", "hint"} of the command line contract.
Json ErrorJson(const Error& error);
// Reports a failure of the whole command, for people on stderr and with --json on stdout too, and
// gives its exit code.
int FailCommand(const Error& error, bool json);
void PrintJson(const Json& document);
// A heading or a note for people, to stderr, so that stdout stays clean. Where it cannot be written
// it is lost: the command goes on.
void Note(std::string_view line);
void NotePart(std::string_view text);  // without a line break

// Requested by SIGINT or SIGTERM; a second SIGINT ends the process at once. Made once, in main.
class SignalStop {
 public:
  SignalStop();
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  std::stop_token token() const { return source_.get_token(); }
  // As if the signal had come; ends the waiting thread.
  void Request() { source_.request_stop(); }

 private:
  std::stop_source source_;
  std::jthread waiter_;
};

// A command registers its options and sets `exit_code` from its callback.
struct CommandSet {
  CLI::App& app;
  int exit_code = kDone;
};

void AddIngestCommand(CommandSet& commands);
void AddSearchCommand(CommandSet& commands);
void AddTranscriptCommand(CommandSet& commands);
void AddExportCommand(CommandSet& commands);
void AddSpeakersCommand(CommandSet& commands);
void AddJobsCommand(CommandSet& commands);
void AddModelsCommand(CommandSet& commands);
void AddIndexCommand(CommandSet& commands);
void AddMigrateCommand(CommandSet& commands);
void AddDoctorCommand(CommandSet& commands);
void AddFsckCommand(CommandSet& commands);
void AddWorkCommand(CommandSet& commands);
void AddEngineCommand(CommandSet& commands);
void AddMediaCommand(CommandSet& commands);
void AddUpCommand(CommandSet& commands);
void AddServeCommand(CommandSet& commands);
void AddRelayCommand(CommandSet& commands);
void AddFeedsCommand(CommandSet& commands);
void AddKeyCommand(CommandSet& commands);

}  // namespace narralytica::app
