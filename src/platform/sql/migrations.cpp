#include "platform/sql/migrations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/hash.hpp"

namespace narralytica::platform {
namespace {

constexpr Statement kCreate{"migrations.create",
                            "CREATE TABLE IF NOT EXISTS schema_migrations ("
                            " name TEXT PRIMARY KEY, sha256 TEXT NOT NULL,"
                            " applied_at_ms BIGINT NOT NULL)"};
constexpr Statement kList{
    "migrations.list", "SELECT name, sha256, applied_at_ms FROM schema_migrations ORDER BY name"};
constexpr Statement kRecord{"migrations.record",
                            "INSERT INTO schema_migrations (name, sha256, applied_at_ms)"
                            " VALUES ($1, $2, $3)"};
constexpr Statement kForget{"migrations.forget", "DELETE FROM schema_migrations WHERE name = $1"};
// Reads the catalog itself: to_regclass() answers from a cache that a wait for kLock leaves stale.
constexpr Statement kExists{"migrations.exists",
                            "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'",
                            "SELECT 1 FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace"
                            " WHERE t.relname = 'schema_migrations'"
                            " AND n.nspname = current_schema()"};
// SQLite's writers are alone already.
constexpr Statement kLock{"migrations.lock", nullptr,
                          "SELECT pg_advisory_xact_lock(hashtextextended('schema_migrations', 0))"};

std::string_view DialectName(SqlDialect dialect) {
  return dialect == SqlDialect::kSqlite ? "sqlite" : "postgres";
}

std::map<std::string, const Migration*> OfDialect(const std::vector<Migration>& migrations,
                                                  SqlDialect dialect) {
  std::map<std::string, const Migration*> mine;
  for (const Migration& migration : migrations) {
    if (migration.dialect == DialectName(dialect)) mine.emplace(migration.name, &migration);
  }
  return mine;
}

// name -> sha256 of what was applied.
using History = std::map<std::string, std::string>;

Result<Rows> List(SqlTransaction& transaction) {
  NRL_TRY(const Rows exists, transaction.Query(kExists, {}));
  if (exists.empty()) return Rows{};
  return transaction.Query(kList, {});
}

Result<History> Applied(SqlTransaction& transaction) {
  NRL_TRY(const Rows rows, List(transaction));
  History applied;
  for (const Row& row : rows) applied.emplace(row.Text(0), row.Text(1));
  return applied;
}

// What was applied, under the lock that keeps every other migrator out until the commit.
Result<History> LockHistory(Database& database, SqlTransaction& transaction) {
  if (database.dialect() == SqlDialect::kPostgres) NRL_CHECK(transaction.Query(kLock, {}));
  return Applied(transaction);
}

Status CheckHistory(const History& applied, const std::map<std::string, const Migration*>& mine) {
  for (const auto& [name, sha256] : applied) {
    const auto found = mine.find(name);
    if (found == mine.end()) {
      return Fail(
          ErrorCode::kConflict,
          fmt::format("the database has migration {}, which this version does not know", name),
          "use the newer version of narralytica that wrote it");
    }
    if (Sha256Hex(found->second->up) != sha256) {
      return Fail(ErrorCode::kConflict,
                  fmt::format("migration {} differs from the one that was applied", name),
                  "restore the released text of the migration; write a new one for the change");
    }
  }
  return {};
}

// False when another process was first.
Result<bool> ApplyOne(Database& database, const Migration& migration, Clock& clock) {
  NRL_TRY(auto transaction, database.Begin(SqlAccess::kWrite));
  NRL_TRY(const History applied, LockHistory(database, *transaction));
  if (applied.contains(migration.name)) return false;
  NRL_CHECK(transaction->Execute(kCreate, {}));
  NRL_CHECK(transaction->ExecuteScript(migration.up));
  NRL_CHECK(
      transaction->Execute(kRecord, {migration.name, Sha256Hex(migration.up), clock.Now().value}));
  NRL_CHECK(transaction->Commit());
  return true;
}

Error SayWhoMay(Error error) {
  if (error.code != ErrorCode::kDenied) return error;
  error.message = "the schema is not current and this database user may not change it";
  error.hint = "run narralytica migrate up with --database URL of the role that owns it";
  return error;
}

}  // namespace

Result<std::vector<std::string>> MigrateUp(Database& database,
                                           const std::vector<Migration>& migrations, Clock& clock) {
  const auto mine = OfDialect(migrations, database.dialect());
  std::vector<std::string> done;
  {
    // A look first: a user who may not change the schema need not when nothing is missing.
    NRL_TRY(auto transaction, database.Begin(SqlAccess::kRead));
    NRL_TRY(const auto applied, Applied(*transaction));
    NRL_CHECK(CheckHistory(applied, mine));
    if (applied.size() == mine.size()) return done;
  }
  for (const auto& [name, migration] : mine) {
    const Result<bool> applied = ApplyOne(database, *migration, clock);
    if (!applied) return Fail(SayWhoMay(applied.error()));
    if (*applied) done.push_back(name);
  }
  return done;
}

Result<std::vector<std::string>> MigrateDown(Database& database,
                                             const std::vector<Migration>& migrations, int count) {
  const auto mine = OfDialect(migrations, database.dialect());
  std::vector<std::string> done;
  for (int i = 0; i < count; ++i) {
    NRL_TRY(auto transaction, database.Begin(SqlAccess::kWrite));
    NRL_TRY(const auto applied, LockHistory(database, *transaction));
    NRL_CHECK(CheckHistory(applied, mine));
    if (applied.empty()) break;
    const std::string name = applied.rbegin()->first;
    NRL_CHECK(transaction->ExecuteScript(mine.at(name)->down));
    NRL_CHECK(transaction->Execute(kForget, {name}));
    NRL_CHECK(transaction->Commit());
    done.push_back(name);
  }
  return done;
}

Result<std::vector<AppliedMigration>> ListApplied(Database& database,
                                                  const std::vector<Migration>& migrations) {
  const auto mine = OfDialect(migrations, database.dialect());
  NRL_TRY(auto transaction, database.Begin(SqlAccess::kRead));
  NRL_TRY(const Rows rows, List(*transaction));
  std::vector<AppliedMigration> applied;
  for (const Row& row : rows) {
    applied.push_back({row.Text(0), UtcMs{row.Int(2)}, mine.contains(row.Text(0))});
  }
  return applied;
}

}  // namespace narralytica::platform
