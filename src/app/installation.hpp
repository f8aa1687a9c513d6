// One data folder, opened: the embedded default's database, objects, index and queue.
//
//     DIR/narralytica.toml   settings (optional)
//     DIR/narralytica.db     the database, unless it is PostgreSQL (database.url)
//     DIR/database.id        then: which one, for objects and index belong to one alone
//     DIR/objects/           recordings and what is made of them
//     DIR/index/             the search index
//     DIR/run/               sockets of running processes
//     DIR/tmp/               work in progress; safe to delete when nothing runs
//     DIR/logs/              logs of processes that have no terminal
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "access/tx.hpp"
#include "app/config.hpp"
#include "index/index.hpp"
#include "jobs/queue.hpp"
#include "jobs/wake_file.hpp"
#include "platform/log.hpp"
#include "platform/objects/objects.hpp"
#include "platform/sql/sql.hpp"

namespace narralytica::app {

class Installation {
 public:
  // Creates the folder and migrates the database when needed.
  static Result<std::unique_ptr<Installation>> Open(const std::string& folder,
                                                    const std::vector<std::string>& settings,
                                                    std::string_view process);

  const std::string& folder() const { return folder_; }
  const Config& config() const { return config_; }
  Environment environment() const { return environment_; }
  platform::Database& database() { return *database_; }
  platform::ObjectStore& objects() { return *objects_; }
  index::Index& index() { return *index_; }
  jobs::Queue& queue() { return *queue_; }
  // Touched when a process of this folder made a job due.
  const jobs::WakeFile& wake_file() const { return wake_file_; }
  const platform::Logger& log() const { return log_; }
  std::string engine_socket() const { return engine_socket_; }
  std::string temporary_folder() const { return folder_ + "/tmp"; }
  std::vector<std::string> settings() const { return settings_; }
  // --data and, when it was given so, --database: for the commands that hints name.
  std::string flags() const;
  // The one tenant of the embedded default, acting from the command line.
  access::Scope scope() const;

 private:
  Installation(std::string folder, Config config, platform::Logger log)
      : folder_(std::move(folder)),
        wake_file_(folder_ + "/run/jobs.wake"),
        config_(std::move(config)),
        environment_(SystemEnvironment()),
        log_(std::move(log)) {}

  const std::string folder_;
  const jobs::WakeFile wake_file_;
  const Config config_;
  const Environment environment_;
  platform::Logger log_;
  std::vector<std::string> settings_;
  std::string engine_socket_;
  std::unique_ptr<platform::Database> database_;
  std::unique_ptr<platform::ObjectStore> objects_;
  std::unique_ptr<index::Index> index_;
  std::unique_ptr<jobs::Queue> queue_;
};

// The database of that data folder: SQLite in it, or the PostgreSQL of database.url. kConflict when
// the folder belongs to another one; in production kInvalid for an unverified way to it.
Result<std::unique_ptr<platform::Database>> OpenDatabase(const Config& config,
                                                         const std::string& folder);

// Where the engine of that data folder listens: DIR/run/engine.sock, or, where that is too long for
// a socket, a private folder of the user's runtime or temporary folder.
Result<std::string> EngineSocketPath(const std::string& data_folder);

}  // namespace narralytica::app
