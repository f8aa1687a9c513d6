// For tests: a fresh database with the whole schema, of either kind.
//
//   class MyTest : public testing::TestWithParam<platform::SqlDialect> { … };
//   INSTANTIATE_TEST_SUITE_P(Databases, MyTest, platform::kEveryDialect, platform::DialectLabel);
#pragma once

#include <memory>
#include <string>

#include "platform/sql/migrations.hpp"
#include "platform/sql/sql.hpp"
#include "platform/sql/throwaway_postgres.hpp"

namespace narralytica::platform {

inline const auto kEveryDialect = testing::Values(SqlDialect::kSqlite, SqlDialect::kPostgres);

inline std::string DialectLabel(const testing::TestParamInfo<SqlDialect>& info) {
  return info.param == SqlDialect::kSqlite ? "Sqlite" : "Postgres";
}

// The name of a database that nothing else in this program uses.
inline std::string FreshName() {
  static int count = 0;
  return fmt::format("t{}", ++count);
}

// A URL for a fresh PostgreSQL database with the whole schema, copied from one that is migrated
// once.
inline std::string MigratedPostgresUrl() {
  auto& server = ThrowawayPostgres::Get();
  static const bool migrated = [&] {
    auto database = *OpenPostgres({.url = server.CreateDatabase("migrated")});
    FakeClock clock(UtcMs{1});
    const auto up = MigrateUp(*database, EmbeddedMigrations(), clock);
    EXPECT_TRUE(up) << up.error().message << ": " << up.error().cause;
    return up.has_value();
  }();
  EXPECT_TRUE(migrated);
  return server.CreateDatabase(FreshName(), "migrated");
}

inline std::unique_ptr<Database> FreshDatabase(SqlDialect dialect, const std::string& folder) {
  if (dialect == SqlDialect::kPostgres) {
    return std::move(*OpenPostgres({.url = MigratedPostgresUrl()}));
  }
  auto database = std::move(*OpenSqlite({.path = folder + "/" + FreshName() + ".db"}));
  FakeClock clock(UtcMs{1});
  EXPECT_TRUE(MigrateUp(*database, EmbeddedMigrations(), clock));
  return database;
}

// Lets leases end by `clock` alone: on PostgreSQL they run on the server's, in whose place this
// puts one that only SetLeaseClock() moves.
inline void SetLeaseClock(Database& database, const Clock& clock) {
  if (database.dialect() == SqlDialect::kSqlite) return;
  auto transaction = std::move(*database.Begin(SqlAccess::kWrite));
  EXPECT_TRUE(transaction->ExecuteScript(
      fmt::format("CREATE OR REPLACE FUNCTION lease_clock_ms() RETURNS BIGINT LANGUAGE sql STABLE"
                  " AS 'SELECT {}::bigint'",
                  clock.BootMs())));
  EXPECT_TRUE(transaction->Commit());
}

}  // namespace narralytica::platform
