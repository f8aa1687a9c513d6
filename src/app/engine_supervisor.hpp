// Keeps one engine process alive for a data folder.
//
// When an engine already answers there (of `up`, or of another worker) it is used; when none does,
// or it goes away, this starts one and restarts it whenever it dies. Models are loaded by the
// engine at its first use of each.
#pragma once

#include <chrono>
#include <string>
#include <thread>

#include "app/config.hpp"
#include "base/deadline.hpp"
#include "platform/log.hpp"

namespace narralytica::app {

struct EngineSupervisorOptions {
  std::string data_folder;
  std::string socket_path;
  std::vector<std::string> settings;  // handed on as --set
  std::string log_path;               // where a started engine writes; "": stderr
  int64_t start_timeout_ms = 60'000;
};

class EngineSupervisor {
 public:
  EngineSupervisor(EngineSupervisorOptions options, platform::Logger log);
  // Ends an engine that it started.
  ~EngineSupervisor() = default;

  // Returns when an engine answers; kUnavailable past the start timeout.
  Status WaitReady(const Deadline& deadline);

 private:
  void Supervise(const std::stop_token& stop);
  bool Answers();
  void RunChild(const std::stop_token& stop);

  const EngineSupervisorOptions options_;
  const platform::Logger log_;
  std::jthread thread_;
};

}  // namespace narralytica::app
