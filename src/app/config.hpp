// The configuration of a process: defaults, then DIR/narralytica.toml, then NARRALYTICA_… from the
// environment, then --set. Lists every module's settings once.
#pragma once

#include <string>
#include <vector>

#include "api/api_server.hpp"
#include "base/result.hpp"
#include "jobs/queue.hpp"
#include "jobs/worker.hpp"
#include "media/intake.hpp"
#include "media/media_limits.hpp"
#include "platform/config.hpp"
#include "source/dialer.hpp"
#include "source/feeds.hpp"
#include "source/video_site.hpp"

namespace narralytica::app {

struct EngineConfig {
  std::string runtime_folder;  // "": beside the program, else the model cache
  std::string models_folder;   // "": the model cache
  int64_t memory_bytes_max = int64_t{4} << 30;
  int threads = 0;  // 0: all cores
  int64_t start_timeout_ms = 60'000;
  int64_t batch_timeout_ms = 600'000;  // of one recognition batch
  void Bind(platform::ConfigBinder& binder);
};

struct DatabaseConfig {
  std::string url;            // "": SQLite in the data folder
  std::string password_file;  // "": the URL's, PGPASSWORD's or PGPASSFILE's
  int connections_max = 8;
  int64_t lock_timeout_ms = 10'000;
  int64_t statement_timeout_ms = 60'000;
  void Bind(platform::ConfigBinder& binder);
  // Every problem of the URL; none repeats its text.
  std::vector<std::string> Validate() const;
};

struct RecognitionConfig {
  std::string model = "base";
  std::string language = "auto";
  void Bind(platform::ConfigBinder& binder);
};

struct DiarizationConfig {
  bool enabled = true;
  void Bind(platform::ConfigBinder& binder);
};

struct Config {
  std::string log_level = "info";
  std::string environment = "development";
  DatabaseConfig database;
  EngineConfig engine;
  RecognitionConfig recognition;
  DiarizationConfig diarization;
  jobs::QueueConfig queue;
  jobs::WorkConfig work;
  media::IntakeConfig intake;
  media::MediaLimits media;
  source::FetchConfig fetch;
  source::FeedsConfig feeds;
  source::VideoSitesConfig sites;
  api::ApiConfig api;

  void Bind(platform::ConfigBinder& binder);
  // kInvalid with every problem, one a line.
  static Result<Config> Load(const std::string& data_folder,
                             const std::vector<std::string>& settings);
  std::string Dump() const;
};

// The settings that a child process may see in its arguments: without those of `section`.
std::vector<std::string> SettingsWithout(std::string_view section,
                                         const std::vector<std::string>& settings);

// $NARRALYTICA_CACHE, else the user's cache folder: what set-up fetched and converted.
std::string CacheFolder();
std::string RuntimeFolder(const EngineConfig& config);
std::string ModelsFolder(const EngineConfig& config);

}  // namespace narralytica::app
