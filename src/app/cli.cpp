#include "app/cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace narralytica::app {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 all done, 1 unexpected, 2 wrong usage, 3 some inputs failed, 4 not found,\n"
    "5 denied, 6 a dependency is unavailable, 7 a check said no.";

std::string DefaultDataFolder() {
  if (const char* folder = std::getenv("NARRALYTICA_DATA")) return folder;
  if (const char* folder = std::getenv("XDG_DATA_HOME")) {
    return std::string(folder) + "/narralytica";
  }
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.local/share/narralytica";
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

[[noreturn]] void WrongUsage(const std::string& text) {
  throw CLI::ValidationError(text, CLI::ExitCodes::ValidationError);
}

void SettlePlace(const CLI::App& command, CommonOptions& options, Place place) {
  const bool folder_named = command.count("--data") > 0;
  if (folder_named && !options.server.empty()) {
    WrongUsage("--data and --server: a command works on one of them, give one");
  }
  if (!folder_named && options.server.empty()) {
    options.server = Variable("NARRALYTICA_SERVER");
    if (!options.server.empty() && !Variable("NARRALYTICA_DATA").empty()) {
      WrongUsage("NARRALYTICA_SERVER and NARRALYTICA_DATA are both set: give --data or --server");
    }
  }
  if (options.server.empty()) {
    if (!options.key.empty() || !options.key_file.empty()) {
      WrongUsage("a key is for a server: give --server URL too");
    }
    return;
  }
  if (place == Place::kFolder) {
    WrongUsage(command.get_name() +
               " works on a data folder itself, not through a server: run it on the machine that"
               " has the folder, with --data DIR");
  }
  if (!options.settings.empty()) {
    WrongUsage("--set and --database are for a data folder; a server has its own settings");
  }
  if (options.key.empty() && options.key_file.empty()) {
    options.key = Variable("NARRALYTICA_KEY");
    if (options.key.empty()) options.key_file = Variable("NARRALYTICA_KEY_FILE");
  }
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

int ExitCodeOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return kUsage;
    case ErrorCode::kNotFound:
      return kNotFoundExit;
    case ErrorCode::kDenied:
      return kDeniedExit;
    case ErrorCode::kUnavailable:
      return kDependencyDown;
    case ErrorCode::kConflict:
    case ErrorCode::kLimited:
    case ErrorCode::kCorrupt:
    case ErrorCode::kCanceled:
    case ErrorCode::kInternal:
      return kUnexpected;
  }
  return kUnexpected;
}

void AddCommonOptions(CLI::App& command, CommonOptions& options, Place place) {
  options.data_folder = DefaultDataFolder();
  command.add_option("--data", options.data_folder, "data folder (or NARRALYTICA_DATA)")
      ->type_name("DIR")
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--database",
          [&options](const std::string& url) { options.settings.push_back("database.url=" + url); },
          "PostgreSQL instead of SQLite in the folder: postgres://USER@HOST/NAME, no password")
      ->type_name("URL");
  // Added, not assigned: --database is a setting too.
  command
      .add_option_function<std::vector<std::string>>(
          "--set",
          [&options](const std::vector<std::string>& given) {
            options.settings.insert(options.settings.end(), given.begin(), given.end());
          },
          "override a setting: key=value (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  CLI::Option* server = command.add_option("--server", options.server,
                                           "work on that server instead (or NARRALYTICA_SERVER)");
  CLI::Option* key = command.add_option(
      "--key", options.key,
      "API key; everybody on this machine sees it in `ps`: rather NARRALYTICA_KEY or --key-file");
  CLI::Option* key_file =
      command.add_option("--key-file", options.key_file,
                         "file of mode 0600 with the API key (or NARRALYTICA_KEY_FILE)");
  server->type_name("URL");
  key->type_name("KEY");
  key_file->type_name("FILE");
  key->excludes(key_file);
  // Known everywhere, so that it can be said why it does not work; shown where it does.
  for (CLI::Option* option : {server, key, key_file}) {
    option->group(place == Place::kFolder ? "" : "On a server");
  }
  command.add_flag("--json", options.json, "print one JSON document on stdout");
  command.footer(kExitCodes);
  command.parse_complete_callback(
      [&command, &options, place] { SettlePlace(command, options, place); });
}

void AddPortOption(CLI::App& command, CommonOptions& options) {
  command.add_option_function<int>(
      "--port",
      [&options](int port) { options.settings.push_back(fmt::format("serve.port={}", port)); },
      "port to listen on; 0: any free one (default: 8080)");
}

Result<std::unique_ptr<Installation>> OpenInstallation(const CommonOptions& options,
                                                       std::string_view process) {
  return Installation::Open(options.data_folder, options.settings, process);
}

Json ErrorJson(const Error& error) {
  return {{"code", error.reason.empty() ? std::string(ToString(error.code)) : error.reason},
          {"message", error.message},
          {"hint", error.hint}};
}

int FailCommand(const Error& error, bool json) {
  Note("error: " + error.message);
  if (!error.hint.empty()) Note("  do:  " + error.hint);
  if (!error.cause.empty()) Note("  why: " + error.cause);
  if (json) PrintJson({{"error", ErrorJson(error)}});
  return ExitCodeOf(error);
}

void PrintJson(const Json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
  std::fflush(stdout);
}

void Note(std::string_view line) { NotePart(fmt::format("{}\n", line)); }

void NotePart(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

SignalStop::SignalStop() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([this, signals] {
    const timespec poll{0, 100'000'000};
    while (!source_.stop_requested()) {
      if (sigtimedwait(&signals, nullptr, &poll) > 0) source_.request_stop();
    }
    // From here on a second signal ends the process as usual.
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  });
}

SignalStop::~SignalStop() { source_.request_stop(); }

}  // namespace narralytica::app
