#include "app/installation.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/hash.hpp"
#include "index/embedded_index.hpp"
#include "platform/file.hpp"
#include "platform/inference/engine_server.hpp"
#include "platform/sql/migrations.hpp"

namespace narralytica::app {
namespace {

namespace fs = std::filesystem;

constexpr platform::Statement kAddTenant{
    "tenants.add_default",
    "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'default', $2)"
    " ON CONFLICT (id) DO NOTHING"};
constexpr platform::Statement kFindTenant{"tenants.find", "SELECT 1 FROM tenants WHERE id = $1"};

constexpr platform::Statement kDatabaseId{
    "database.id", nullptr,
    "SELECT system_identifier || '/' || oid FROM pg_control_system(), pg_database"
    " WHERE datname = current_database()"};
constexpr int64_t kDatabaseIdBytesMax = 256;

std::string DatabaseIdPath(const std::string& folder) { return folder + "/database.id"; }

Result<std::unique_ptr<platform::Database>> OpenFolderSqlite(const std::string& folder) {
  if (fs::exists(DatabaseIdPath(folder))) {
    return Fail(ErrorCode::kConflict, "this data folder belongs to a PostgreSQL database",
                "name it: --database URL, or database.url in narralytica.toml", folder);
  }
  return platform::OpenSqlite({.path = folder + "/narralytica.db"});
}

// The index holds change numbers of one feed: beside another database it would hide what is new.
Status BindFolder(platform::Database& database, const std::string& folder) {
  NRL_TRY(const std::string id, access::Read(database, access::SystemScope("open"),
                                             [](access::Tx& tx) -> Result<std::string> {
                                               NRL_TRY(const platform::Row row,
                                                       tx.One("the database", kDatabaseId));
                                               return row.Text(0);
                                             }));
  const auto known = platform::ReadFile(DatabaseIdPath(folder), kDatabaseIdBytesMax);
  if (known && *known == id) return {};
  if (known || fs::exists(folder + "/narralytica.db")) {
    return Fail(ErrorCode::kConflict, "this data folder belongs to another database",
                fmt::format("use a folder of its own: --data DIR; after moving the database, delete"
                            " {0}/database.id and {0}/index, then narralytica index rebuild",
                            folder),
                known.value_or("SQLite"));
  }
  if (known.error().code != ErrorCode::kNotFound) return Fail(known);
  return platform::WriteFileAtomically(DatabaseIdPath(folder), id);
}

Status EnsureDefaultTenant(platform::Database& database, const access::Scope& scope, UtcMs now) {
  NRL_TRY(const bool exists, access::Read(database, scope, [&](access::Tx& tx) -> Result<bool> {
            NRL_TRY(const platform::Rows rows, tx.Query(kFindTenant, scope.tenant));
            return !rows.empty();
          }));
  if (exists) return {};
  return access::Write(database, scope, [&](access::Tx& tx) -> Status {
    NRL_CHECK(tx.Execute(kAddTenant, scope.tenant, now));
    return {};
  });
}

// A folder of this user alone, for sockets whose data folder's path is too long.
Result<std::string> PrivateRuntimeFolder() {
  if (const char* folder = std::getenv("XDG_RUNTIME_DIR"))
    return folder + std::string("/narralytica");
  return fs::temp_directory_path().string() + "/narralytica-" + std::to_string(getuid());
}

}  // namespace

Result<std::unique_ptr<platform::Database>> OpenDatabase(const Config& config,
                                                         const std::string& folder) {
  const DatabaseConfig& wanted = config.database;
  if (wanted.url.empty()) return OpenFolderSqlite(folder);
  NRL_TRY(const platform::PostgresUrl url, platform::ParsePostgresUrl(wanted.url));
  if (config.environment == "production" && !url.is_local && !url.tls_verified) {
    return Fail(ErrorCode::kInvalid, "production reaches its database by verified TLS alone",
                "add sslmode=verify-full&sslrootcert=FILE to database.url", url.shown);
  }
  NRL_TRY(auto database,
          platform::OpenPostgres(
              {.url = wanted.url,
               .password_file = wanted.password_file,
               .lock_timeout = std::chrono::milliseconds(wanted.lock_timeout_ms),
               .statement_timeout = std::chrono::milliseconds(wanted.statement_timeout_ms),
               .connections_max = wanted.connections_max}));
  NRL_CHECK(BindFolder(*database, folder));
  return database;
}

Result<std::string> EngineSocketPath(const std::string& data_folder) {
  const std::string beside = data_folder + "/run/engine.sock";
  if (beside.size() <= platform::EngineServerOptions::kSocketPathBytesMax) return beside;
  NRL_TRY(const std::string folder, PrivateRuntimeFolder());
  NRL_CHECK(platform::CreateFolders(folder));
  struct stat status{};
  if (lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      status.st_uid != getuid()) {
    return Fail(ErrorCode::kDenied, "the runtime folder belongs to somebody else",
                "use a data folder with a shorter path", folder);
  }
  chmod(folder.c_str(), 0700);
  return folder + "/" + Sha256Hex(data_folder).substr(0, 16) + ".sock";
}

Result<std::unique_ptr<Installation>> Installation::Open(const std::string& folder,
                                                         const std::vector<std::string>& settings,
                                                         std::string_view process) {
  const std::string absolute = fs::absolute(folder).lexically_normal().string();
  NRL_TRY(Config config, Config::Load(absolute, settings));
  NRL_TRY(const platform::LogLevel level, platform::ParseLogLevel(config.log_level));
  for (const char* part : {"", "/run", "/tmp", "/logs"}) {
    NRL_CHECK(platform::CreateFolders(absolute + part));
  }
  auto log = platform::Logger::ToStderr(process, level);
  // Commands that talk to a person keep the terminal for that and log to a file.
  const std::set<std::string_view> services{"work", "engine", "up", "serve"};
  if (!services.contains(process)) {
    NRL_TRY(log, platform::Logger::ToFile(process, level, absolute + "/logs/cli.log"));
  }
  std::unique_ptr<Installation> self(new Installation(absolute, std::move(config), log));
  self->settings_ = settings;
  NRL_TRY(self->engine_socket_, EngineSocketPath(absolute));
  NRL_TRY(self->database_, OpenDatabase(self->config_, absolute));
  NRL_CHECK(platform::MigrateUp(*self->database_, platform::EmbeddedMigrations(),
                                self->environment_.clock));
  NRL_CHECK(EnsureDefaultTenant(*self->database_, self->scope(), self->environment_.clock.Now()));
  NRL_TRY(self->objects_, platform::OpenFolderStore(absolute + "/objects"));
  NRL_TRY(self->index_, index::OpenEmbeddedIndex({.folder = absolute + "/index"}));
  self->queue_ =
      std::make_unique<jobs::Queue>(*self->database_, self->environment_, self->config_.queue);
  self->queue_->OnWork([file = &self->wake_file_] { file->Touch(); });
  return self;
}

std::string Installation::flags() const {
  constexpr std::string_view kUrl = "database.url=";
  std::string flags = "--data " + folder_;
  for (const std::string& setting : settings_) {
    if (setting.starts_with(kUrl)) flags += " --database '" + setting.substr(kUrl.size()) + "'";
  }
  return flags;
}

access::Scope Installation::scope() const {
  return {access::DefaultTenant(), "cli", NewUuid(environment_)};
}

}  // namespace narralytica::app
