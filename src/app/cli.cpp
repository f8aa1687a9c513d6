#include "app/cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace narralytica::app {
namespace {

std::string DefaultDataFolder() {
  if (const char* folder = std::getenv("NARRALYTICA_DATA")) return folder;
  if (const char* folder = std::getenv("XDG_DATA_HOME")) {
    return std::string(folder) + "/narralytica";
  }
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.local/share/narralytica";
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

void AddCommonOptions(CLI::App& command, CommonOptions& options) {
  options.data_folder = DefaultDataFolder();
  command.add_option("--data", options.data_folder, "folder of the embedded store")
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--database",
          [&options](const std::string& url) { options.settings.push_back("database.url=" + url); },
          "PostgreSQL instead of SQLite in the folder: postgres://USER@HOST/NAME, no password")
      ->type_name("URL");
  command.add_option("--set", options.settings, "override a setting: key=value (repeatable)")
      ->allow_extra_args(false);
  command.add_flag("--json", options.json, "print one JSON document on stdout");
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
  fmt::print(stderr, "error: {}\n", error.message);
  if (!error.hint.empty()) fmt::print(stderr, "  do:  {}\n", error.hint);
  if (!error.cause.empty()) fmt::print(stderr, "  why: {}\n", error.cause);
  if (json) PrintJson({{"error", ErrorJson(error)}});
  return ExitCodeOf(error);
}

void PrintJson(const Json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
  std::fflush(stdout);
}

void Note(std::string_view line) { fmt::print(stderr, "{}\n", line); }

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
