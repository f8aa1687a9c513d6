#include <fmt/format.h>
#include <sqlite3.h>

#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "platform/file.hpp"
#include "platform/sql/sql.hpp"

namespace narralytica::platform {
namespace {

struct CloseDb {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using DbHandle = std::unique_ptr<sqlite3, CloseDb>;
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Error SqliteError(sqlite3* db, const char* statement_name) {
  const int code = sqlite3_extended_errcode(db);
  const std::string cause =
      fmt::format("sqlite {} in {}: {}", code, statement_name, sqlite3_errmsg(db));
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return {ErrorCode::kConflict,
              "this already exists or refers to something that does not",
              {},
              cause,
              {}};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kUnavailable, "the database is busy", "try again", cause, {}};
    case SQLITE_FULL:
      return {ErrorCode::kUnavailable, "the disk of the data folder is full",
              "free space on it, then try again", cause, kDiskFull};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::kCorrupt,
              "the database file is damaged",
              "restore it from a backup",
              cause,
              {}};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return {ErrorCode::kUnavailable,
              "the database file cannot be read or written",
              "check the permissions and the disk of the data folder",
              cause,
              {}};
    default:
      return {ErrorCode::kInternal, "a database statement failed", {}, cause, {}};
  }
}

// One connection and its prepared statements, used by one transaction at a time.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> Open(const SqliteOptions& options) {
    sqlite3* raw = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int opened = sqlite3_open_v2(options.path.c_str(), &raw, flags, nullptr);
    auto connection = std::unique_ptr<Connection>(new Connection(DbHandle(raw)));
    if (opened != SQLITE_OK) return Fail(SqliteError(raw, "open"));
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, static_cast<int>(options.lock_timeout.count()));
    NRL_CHECK(
        connection->Script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                           "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"));
    return connection;
  }

  Status Script(const std::string& script) {
    if (sqlite3_exec(db_.get(), script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      return Fail(SqliteError(db_.get(), "script"));
    }
    return {};
  }

  Result<sqlite3_stmt*> Prepare(const Statement& statement) {
    const auto found = statements_.find(statement.text);
    if (found != statements_.end()) return found->second.get();
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(db_.get(), statement.text, -1, SQLITE_PREPARE_PERSISTENT, &raw,
                           nullptr) != SQLITE_OK) {
      return Fail(SqliteError(db_.get(), statement.name));
    }
    statements_.emplace(statement.text, StatementHandle(raw));
    return raw;
  }

  sqlite3* db() { return db_.get(); }

 private:
  explicit Connection(DbHandle db) : db_(std::move(db)) {}
  DbHandle db_;
  std::map<const char*, StatementHandle> statements_;
};

void BindValue(sqlite3_stmt* statement, int index, const SqlValue& value) {
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          sqlite3_bind_null(statement, index);
        } else if constexpr (std::is_same_v<T, int64_t>) {
          sqlite3_bind_int64(statement, index, v);
        } else if constexpr (std::is_same_v<T, double>) {
          sqlite3_bind_double(statement, index, v);
        } else if constexpr (std::is_same_v<T, std::string>) {
          sqlite3_bind_text64(statement, index, v.data(), v.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
        } else {
          // A null pointer would bind a null.
          const void* bytes = v.empty() ? "" : static_cast<const void*>(v.data());
          sqlite3_bind_blob64(statement, index, bytes, v.size(), SQLITE_TRANSIENT);
        }
      },
      value.variant());
}

SqlValue ReadColumn(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return SqlValue(static_cast<int64_t>(sqlite3_column_int64(statement, column)));
    case SQLITE_FLOAT:
      return SqlValue(sqlite3_column_double(statement, column));
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return SqlValue(
          std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement, column))));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const uint8_t*>(sqlite3_column_blob(statement, column));
      const int count = sqlite3_column_bytes(statement, column);
      return SqlValue(count == 0 ? Blob() : Blob(bytes, bytes + count));
    }
    default:
      return {};
  }
}

class SqliteDatabase;

class SqliteTransaction final : public SqlTransaction {
 public:
  SqliteTransaction(SqliteDatabase& owner, std::unique_ptr<Connection> connection)
      : owner_(owner), connection_(std::move(connection)) {}
  ~SqliteTransaction() override;

  Result<Rows> Query(const Statement& statement, const SqlParams& params) override {
    Rows rows;
    NRL_CHECK(Run(statement, params, &rows));
    return rows;
  }

  Result<int64_t> Execute(const Statement& statement, const SqlParams& params) override {
    NRL_CHECK(Run(statement, params, nullptr));
    return static_cast<int64_t>(sqlite3_changes64(connection_->db()));
  }

  Status ExecuteScript(std::string_view script) override {
    if (failed_) return Fail(*failed_);
    Status done = connection_->Script(std::string(script));
    if (!done) failed_ = done.error();
    return done;
  }

  Status Commit() override {
    if (failed_) return Fail(*failed_);
    NRL_CHECK(connection_->Script("COMMIT"));
    open_ = false;
    return {};
  }

 private:
  Status Run(const Statement& statement, const SqlParams& params, Rows* rows) {
    if (failed_) return Fail(*failed_);
    Status done = RunOnce(statement, params, rows);
    if (!done) failed_ = done.error();
    return done;
  }

  Status RunOnce(const Statement& statement, const SqlParams& params, Rows* rows) {
    NRL_CHECK(CheckTexts(params));
    NRL_TRY(sqlite3_stmt * prepared, connection_->Prepare(statement));
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_reset)> reset(prepared, &sqlite3_reset);
    // "$3" is a name to SQLite: the same parameter may stand in several places.
    NRL_ASSERT(static_cast<size_t>(sqlite3_bind_parameter_count(prepared)) <= params.size());
    for (size_t i = 0; i < params.size(); ++i) {
      const int index = sqlite3_bind_parameter_index(prepared, fmt::format("${}", i + 1).c_str());
      if (index > 0) BindValue(prepared, index, params[i]);
    }
    while (true) {
      const int step = sqlite3_step(prepared);
      if (step == SQLITE_DONE) return {};
      if (step != SQLITE_ROW) return Fail(SqliteError(connection_->db(), statement.name));
      if (rows == nullptr) continue;
      std::vector<SqlValue> columns;
      const int count = sqlite3_column_count(prepared);
      columns.reserve(static_cast<size_t>(count));
      for (int i = 0; i < count; ++i) columns.push_back(ReadColumn(prepared, i));
      rows->emplace_back(std::move(columns));
    }
  }

  SqliteDatabase& owner_;
  std::unique_ptr<Connection> connection_;
  bool open_ = true;
  std::optional<Error> failed_;
};

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(SqliteOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<SqlTransaction>> Begin(SqlAccess access) override {
    NRL_TRY(auto connection, Take());
    // IMMEDIATE takes the write lock at once: a read that later writes could deadlock otherwise.
    Status begun = connection->Script(access == SqlAccess::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
    if (!begun) {
      Return(std::move(connection));
      return Fail(begun);
    }
    return std::make_unique<SqliteTransaction>(*this, std::move(connection));
  }

  SqlDialect dialect() const override { return SqlDialect::kSqlite; }

  Status CopyTo(const std::string& path) override {
    NRL_TRY(auto connection, Take());
    sqlite3* raw = nullptr;
    sqlite3_open(path.c_str(), &raw);
    const DbHandle target(raw);
    sqlite3_backup* backup = sqlite3_backup_init(raw, "main", connection->db(), "main");
    if (backup != nullptr) {
      sqlite3_backup_step(backup, -1);
      sqlite3_backup_finish(backup);
    }
    Return(std::move(connection));
    if (sqlite3_errcode(raw) != SQLITE_OK) return Fail(SqliteError(raw, "copy"));
    return {};
  }

  Status CheckIntegrity() override {
    static constexpr Statement kCheck{"sql.integrity", "PRAGMA integrity_check(1)"};
    static constexpr Statement kForeign{"sql.foreign_keys", "PRAGMA foreign_key_check"};
    NRL_TRY(auto transaction, Begin(SqlAccess::kRead));
    NRL_TRY(const Rows verdict, transaction->Query(kCheck, {}));
    if (verdict.empty() || verdict[0].Text(0) != "ok") {
      return Fail(ErrorCode::kCorrupt, "the database file is damaged", "restore it from a backup",
                  verdict.empty() ? "no verdict" : verdict[0].Text(0));
    }
    NRL_TRY(const Rows orphans, transaction->Query(kForeign, {}));
    if (!orphans.empty()) {
      return Fail(ErrorCode::kCorrupt, "the database has rows that refer to missing ones",
                  "restore it from a backup", "table " + orphans[0].TextOrEmpty(0));
    }
    return {};
  }

  void Return(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
    returned_.notify_one();
  }

 private:
  Result<std::unique_ptr<Connection>> Take() {
    std::unique_lock lock(mutex_);
    const bool ready = returned_.wait_for(lock, options_.lock_timeout, [this] {
      return !idle_.empty() || opened_ < options_.connections_max;
    });
    if (!ready) {
      return Fail(ErrorCode::kUnavailable, "every database connection is in use", "try again");
    }
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
    ++opened_;
    lock.unlock();
    auto connection = Connection::Open(options_);
    if (!connection) {
      lock.lock();
      --opened_;
    }
    return connection;
  }

  const SqliteOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  int opened_ = 0;
};

SqliteTransaction::~SqliteTransaction() {
  if (open_) {
    [[maybe_unused]] const auto undone = connection_->Script("ROLLBACK");
  }
  owner_.Return(std::move(connection_));
}

}  // namespace

Result<std::unique_ptr<Database>> OpenSqlite(SqliteOptions options) {
  auto database = std::make_unique<SqliteDatabase>(std::move(options));
  // Opening a first connection now gives a bad path or a damaged file its error here.
  NRL_TRY(auto probe, database->Begin(SqlAccess::kRead));
  probe.reset();
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace narralytica::platform
