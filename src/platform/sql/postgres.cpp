#include <fmt/format.h>

#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>

#include "platform/sql/postgres_connection.hpp"

namespace narralytica::platform {
namespace {

using std::chrono::milliseconds;

constexpr int kServerVersionMin = 150'000;
// The server ends a statement by itself at the statement timeout; the client waits a little longer.
constexpr milliseconds kGrace{2'000};
// One migration.
constexpr milliseconds kScriptTimeout{3'600'000};
// A transaction of a process that stands still lets go of its locks.
constexpr milliseconds kIdleWriteTimeout{30'000};
constexpr milliseconds kIdleReadTimeout{600'000};

constexpr Statement kServer{"sql.server", nullptr,
                            "SELECT rolsuper OR rolbypassrls, current_setting('server_encoding')"
                            " FROM pg_roles WHERE rolname = current_user"};
constexpr Statement kChecksumFailures{"sql.checksum_failures", nullptr,
                                      "SELECT COALESCE(checksum_failures, 0) FROM pg_stat_database"
                                      " WHERE datname = current_database()"};
constexpr Statement kBrokenParts{
    "sql.broken_parts", nullptr,
    "SELECT 'index ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND NOT (i.indisvalid AND i.indisready)"
    " UNION ALL SELECT 'constraint ' || c.conname FROM pg_constraint c"
    " JOIN pg_namespace n ON n.oid = c.connamespace"
    " WHERE n.nspname = current_schema() AND NOT c.convalidated LIMIT 1"};

class PostgresDatabase;

class PostgresTransaction final : public SqlTransaction {
 public:
  PostgresTransaction(PostgresDatabase& owner, std::unique_ptr<PostgresConnection> connection)
      : owner_(owner), connection_(std::move(connection)) {}
  ~PostgresTransaction() override;

  Result<Rows> Query(const Statement& statement, const SqlParams& params) override {
    NRL_TRY(const PgResult answer, Run(statement, params));
    return ReadRows(*answer);
  }

  Result<int64_t> Execute(const Statement& statement, const SqlParams& params) override {
    NRL_TRY(const PgResult answer, Run(statement, params));
    return std::strtoll(PQcmdTuples(answer.get()), nullptr, 10);
  }

  Status ExecuteScript(std::string_view script) override;
  Status Commit() override;

 private:
  Result<PgResult> Run(const Statement& statement, const SqlParams& params);
  // Remembers the first failure: the server would let nothing follow it but a rollback.
  Result<PgResult> Keep(Result<PgResult> answer) {
    if (!answer) failed_ = answer.error();
    return answer;
  }

  PostgresDatabase& owner_;
  std::unique_ptr<PostgresConnection> connection_;
  bool open_ = true;
  std::optional<Error> failed_;
};

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(PostgresOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<SqlTransaction>> Begin(SqlAccess access) override {
    while (true) {
      NRL_TRY(auto connection, Take());
      const Result<PgResult> begun = connection->Script(BeginScript(access), Timeout());
      if (begun) {
        connection->used = true;
        return std::make_unique<PostgresTransaction>(*this, std::move(connection));
      }
      const bool stale = connection->used && !connection->idle();
      Return(std::move(connection));
      if (!stale) return Fail(begun);
      // The server was restarted since: what idles beside it is as dead.
      DropIdle();
    }
  }

  Result<Rows> Once(const Statement& statement, const SqlParams& params) override {
    NRL_CHECK(CheckTexts(params));
    NRL_TRY(auto connection, Take());
    const Result<PgResult> answer = connection->RunKept(statement, params, Timeout());
    // Not run again on another connection: it may have happened.
    const bool broken = !connection->idle();
    connection->used = true;
    Return(std::move(connection));
    if (broken) DropIdle();
    if (!answer) return Fail(answer);
    return ReadRows(**answer);
  }

  SqlDialect dialect() const override { return SqlDialect::kPostgres; }

  Status CopyTo(const std::string&) override {
    return Fail(ErrorCode::kInvalid, "a PostgreSQL database is not copied into a file",
                "use pg_dump or pgBackRest");
  }

  Status CheckIntegrity() override {
    NRL_TRY(auto transaction, Begin(SqlAccess::kRead));
    NRL_TRY(const Rows failures, transaction->Query(kChecksumFailures, {}));
    if (!failures.empty() && failures[0].Int(0) > 0) {
      return Fail(ErrorCode::kCorrupt, "the server has read damaged pages of this database",
                  "restore it from a backup",
                  fmt::format("{} checksum failures", failures[0].Int(0)));
    }
    NRL_TRY(const Rows broken, transaction->Query(kBrokenParts, {}));
    if (!broken.empty()) {
      return Fail(ErrorCode::kCorrupt, "a part of the database is not valid",
                  "REINDEX the index, or VALIDATE the constraint", broken[0].Text(0));
    }
    return {};
  }

  // Server, encoding and role are such that Narralytica can rely on them.
  Status CheckServer() {
    {
      NRL_TRY(auto connection, Take());
      const int version = connection->server_version();
      Return(std::move(connection));
      if (version < kServerVersionMin) {
        return Fail(ErrorCode::kInvalid, "PostgreSQL 15 or newer is needed", "upgrade the server",
                    fmt::format("server version {}", version));
      }
    }
    NRL_TRY(auto transaction, Begin(SqlAccess::kRead));
    NRL_TRY(const Rows server, transaction->Query(kServer, {}));
    NRL_ASSERT(server.size() == 1);
    if (server[0].Int(0) != 0) {
      return Fail(Error{ErrorCode::kDenied, "row-level security does not bind this database user",
                        "use a plain role that owns the database: CREATE ROLE narralytica LOGIN;"
                        " CREATE DATABASE narralytica OWNER narralytica",
                        "the role is a superuser or has BYPASSRLS", "database_role"});
    }
    if (server[0].Text(1) != "UTF8") {
      return Fail(ErrorCode::kInvalid, "the database is not in UTF-8",
                  "make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
                  server[0].Text(1));
    }
    return {};
  }

  milliseconds Timeout() const { return options_.statement_timeout + kGrace; }

  void Return(std::unique_ptr<PostgresConnection> connection) {
    const std::lock_guard lock(mutex_);
    if (connection->idle()) {
      idle_.push_back(std::move(connection));
    } else {
      --opened_;
    }
    returned_.notify_one();
  }

 private:
  std::string BeginScript(SqlAccess access) const {
    const bool write = access == SqlAccess::kWrite;
    return fmt::format(
        "BEGIN {}; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {};"
        " SET LOCAL idle_in_transaction_session_timeout = {}",
        write ? "ISOLATION LEVEL READ COMMITTED" : "ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        options_.statement_timeout.count(), options_.lock_timeout.count(),
        (write ? kIdleWriteTimeout : kIdleReadTimeout).count());
  }

  Result<std::unique_ptr<PostgresConnection>> Take() {
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
    auto connection = PostgresConnection::Open(options_);
    if (!connection) {
      lock.lock();
      --opened_;
      returned_.notify_one();
    }
    return connection;
  }

  void DropIdle() {
    const std::lock_guard lock(mutex_);
    opened_ -= static_cast<int>(idle_.size());
    idle_.clear();
    returned_.notify_all();
  }

  const PostgresOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<PostgresConnection>> idle_;
  int opened_ = 0;
};

PostgresTransaction::~PostgresTransaction() {
  if (open_) {
    // Where it fails the connection is thrown away, and the server undoes what was open.
    [[maybe_unused]] const auto undone = connection_->Script("ROLLBACK", owner_.Timeout());
  }
  owner_.Return(std::move(connection_));
}

Result<PgResult> PostgresTransaction::Run(const Statement& statement, const SqlParams& params) {
  if (failed_) return Fail(*failed_);
  const Status texts = CheckTexts(params);
  if (!texts) return Keep(Fail(texts));
  return Keep(connection_->Run(statement, params, owner_.Timeout()));
}

Status PostgresTransaction::ExecuteScript(std::string_view script) {
  if (failed_) return Fail(*failed_);
  const std::string text =
      fmt::format("SET LOCAL statement_timeout = {}; {}", kScriptTimeout.count(), script);
  NRL_CHECK(Keep(connection_->Script(text, kScriptTimeout + kGrace)));
  return {};
}

Status PostgresTransaction::Commit() {
  if (failed_) return Fail(*failed_);
  NRL_TRY(const PgResult answer, Keep(connection_->Script("COMMIT", owner_.Timeout())));
  open_ = false;
  // A spoiled transaction answers COMMIT with ROLLBACK and no error.
  NRL_ASSERT(std::string_view(PQcmdStatus(answer.get())) == "COMMIT");
  return {};
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using ConnInfo = std::unique_ptr<PQconninfoOption, FreeOptions>;

std::map<std::string, std::string> Values(const ConnInfo& info) {
  std::map<std::string, std::string> values;
  for (const PQconninfoOption* option = info.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values[option->keyword] = option->val;
  }
  return values;
}

}  // namespace

Result<PostgresUrl> ParsePostgresUrl(const std::string& url) {
  const bool scheme = url.starts_with("postgres://") || url.starts_with("postgresql://");
  char* complaint = nullptr;
  const ConnInfo info(scheme ? PQconninfoParse(url.c_str(), &complaint) : nullptr);
  PQfreemem(complaint);
  if (info == nullptr) {
    return Fail(ErrorCode::kInvalid, "the database URL cannot be read",
                "write postgres://USER@HOST:PORT/NAME?sslmode=verify-full, special characters as"
                " %XX");
  }
  auto values = Values(info);
  if (!values.contains("sslmode")) {
    if (const char* mode = std::getenv("PGSSLMODE")) values["sslmode"] = mode;
  }
  const std::string host = values["host"];
  const bool loopback = host == "localhost" || host == "::1" || host.starts_with("127.");
  PostgresUrl parsed;
  parsed.shown = fmt::format("{}@{}{}{}/{}", values["user"], host,
                             values["port"].empty() ? "" : ":", values["port"], values["dbname"]);
  parsed.has_password = values.contains("password");
  parsed.is_local = host.empty() || host.starts_with("/") || loopback;
  parsed.tls_verified = values["sslmode"] == "verify-full";
  return parsed;
}

Result<std::unique_ptr<Database>> OpenPostgres(PostgresOptions options) {
  auto database = std::make_unique<PostgresDatabase>(std::move(options));
  NRL_CHECK(database->CheckServer());
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace narralytica::platform
