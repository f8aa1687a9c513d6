#include "app/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "platform/file.hpp"
#include "platform/sql/sql.hpp"

extern char** environ;

namespace narralytica::app {
namespace {

constexpr int64_t kConfigFileBytesMax = 1 << 20;

std::map<std::string, std::string> EnvironmentVariables() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

void BindMedia(platform::ConfigBinder& binder, media::MediaLimits* limits) {
  binder.Field("media.decoded_duration_ms_max", &limits->decoded_duration_ms_max,
               {1'000, 7 * 86'400'000LL}, "longest recording, after decoding");
  binder.Field("media.streams_max", &limits->streams_max, {1, 10'000}, "streams in a file");
  binder.Field("media.channels_max", &limits->channels_max, {1, 1'024}, "channels of the sound");
  binder.Field("media.output_bytes_max", &limits->output_bytes_max, {1'000'000, int64_t{1} << 50},
               "largest file made of a recording");
  binder.Field("media.memory_bytes_max", &limits->memory_bytes_max,
               {int64_t{128} << 20, int64_t{64} << 30}, "memory of the media child");
  binder.Field("media.cpu_seconds_max", &limits->cpu_seconds_max, {10, 1'000'000},
               "processor time of the media child");
}

std::string FolderOr(const std::string& configured, const std::string& beside,
                     const std::string& cached) {
  if (!configured.empty()) return configured;
  std::error_code error;
  const std::string local = platform::ProgramFolder() + "/" + beside;
  return std::filesystem::is_directory(local, error) ? local : CacheFolder() + "/" + cached;
}

// Arguments can be read by everybody on the machine.
std::vector<std::string> PasswordsIn(const std::vector<std::string>& settings) {
  constexpr std::string_view kKey = "database.url=";
  for (const std::string& setting : settings) {
    if (!setting.starts_with(kKey)) continue;
    const auto url = platform::ParsePostgresUrl(setting.substr(kKey.size()));
    if (url && url->has_password) {
      return {
          "database.url: a password does not belong on the command line; name a file of mode"
          " 0600 in database.password_file or PGPASSFILE, or give the URL in"
          " NARRALYTICA_DATABASE__URL"};
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> SettingsWithout(std::string_view section,
                                         const std::vector<std::string>& settings) {
  std::vector<std::string> left = settings;
  std::erase_if(left, [&](const std::string& setting) { return setting.starts_with(section); });
  return left;
}

void EngineConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("engine.runtime_folder", &runtime_folder,
               "folder with libonnxruntime.so; empty: lib beside the program, else the cache");
  binder.Field("engine.models_folder", &models_folder,
               "folder with the models; empty: models beside the program, else the cache");
  binder.Field("engine.memory_bytes_max", &memory_bytes_max, {int64_t{512} << 20, int64_t{1} << 40},
               "memory ceiling of the engine; models that do not work in it are refused");
  binder.Field("engine.threads", &threads, {0, 256}, "threads of one recognition; 0: all cores");
  binder.Field("engine.start_timeout_ms", &start_timeout_ms, {1'000, 600'000},
               "how long the engine may take to start");
  binder.Field("engine.batch_timeout_ms", &batch_timeout_ms, {10'000, 3'600'000},
               "how long one batch of windows may take");
}

void DatabaseConfig::Bind(platform::ConfigBinder& binder) {
  binder.Secret("database.url", &url,
                "postgres://USER@HOST:PORT/NAME?sslmode=verify-full; empty: SQLite in the folder");
  binder.Field("database.password_file", &password_file,
               "file of mode 0600 with the password; empty: PGPASSFILE, PGPASSWORD or the URL");
  binder.Field("database.connections_max", &connections_max, {2, 1'000},
               "connections of one process to PostgreSQL");
  binder.Field("database.lock_timeout_ms", &lock_timeout_ms, {10, 600'000},
               "how long a transaction waits for another");
  binder.Field("database.statement_timeout_ms", &statement_timeout_ms, {100, 3'600'000},
               "how long one statement may take on PostgreSQL");
}

std::vector<std::string> DatabaseConfig::Validate() const {
  if (url.empty()) return {};
  const auto parsed = platform::ParsePostgresUrl(url);
  if (parsed) return {};
  return {fmt::format("database.url: {}; {}", parsed.error().message, parsed.error().hint)};
}

void RecognitionConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("recognition.model", &model, "model of new transcripts; narralytica models lists");
  binder.Field("recognition.language", &language, "language code, or auto");
}

void DiarizationConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("diarization.enabled", &enabled,
               "tell speakers apart; off, new transcripts have none");
}

void Config::Bind(platform::ConfigBinder& binder) {
  binder.Choice("log.level", &log_level, {"debug", "info", "warn", "error", "off"},
                "least level that is written");
  binder.Choice("platform.environment", &environment, {"development", "staging", "production"},
                "production refuses to start without the full sandbox");
  database.Bind(binder);
  engine.Bind(binder);
  recognition.Bind(binder);
  diarization.Bind(binder);
  queue.Bind(binder);
  work.Bind(binder);
  intake.Bind(binder);
  BindMedia(binder, &media);
  fetch.Bind(binder);
  feeds.Bind(binder);
  sites.Bind(binder);
  api.Bind(binder);
}

Result<Config> Config::Load(const std::string& data_folder,
                            const std::vector<std::string>& settings) {
  Config config;
  platform::ConfigBinder binder;
  config.Bind(binder);
  std::vector<std::string> problems;
  const auto add = [&](std::vector<std::string> more) {
    problems.insert(problems.end(), more.begin(), more.end());
  };
  auto file = platform::ReadFile(data_folder + "/narralytica.toml", kConfigFileBytesMax);
  if (file) {
    add(binder.ReadToml(*file, "narralytica.toml"));
  } else if (file.error().code != ErrorCode::kNotFound) {
    return Fail(file);
  }
  add(binder.ReadEnvironment(EnvironmentVariables()));
  for (const std::string& setting : settings) add(binder.ReadSetting(setting));
  add(PasswordsIn(settings));
  add(config.database.Validate());
  add(config.media.Validate());
  add(config.fetch.Validate());
  add(config.feeds.Validate());
  if (!problems.empty()) {
    return Fail(ErrorCode::kInvalid, fmt::format("{}", fmt::join(problems, "\n")),
                "narralytica doctor --config shows every setting");
  }
  return config;
}

std::string Config::Dump() const {
  Config copy = *this;
  platform::ConfigBinder binder;
  copy.Bind(binder);
  return binder.Dump();
}

std::string CacheFolder() {
  if (const char* folder = std::getenv("NARRALYTICA_CACHE")) return folder;
  if (const char* folder = std::getenv("XDG_CACHE_HOME")) {
    return std::string(folder) + "/narralytica";
  }
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "" : home) + "/.cache/narralytica";
}

std::string RuntimeFolder(const EngineConfig& config) {
  return FolderOr(config.runtime_folder, "lib", "sdk/lib");
}

std::string ModelsFolder(const EngineConfig& config) {
  return FolderOr(config.models_folder, "models", "models");
}

}  // namespace narralytica::app
