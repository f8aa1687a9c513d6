// The port's contract on each of its implementations.
#include "platform/sql/conformance.hpp"
#include "platform/sql/test_databases.hpp"

namespace narralytica::platform {
namespace {

Result<std::unique_ptr<Database>> EmptySqlite() {
  static auto folder = TemporaryFolder::Create(testing::TempDir(), "sql");
  return OpenSqlite({.path = folder->path() + "/" + FreshName() + ".db"});
}

Result<std::unique_ptr<Database>> EmptyPostgres() {
  return OpenPostgres({.url = ThrowawayPostgres::Get().CreateDatabase(FreshName())});
}

Result<std::unique_ptr<Database>> EmptyPostgresThroughPgBouncer() {
  auto& server = ThrowawayPostgres::Get();
  const std::string name = FreshName();
  server.CreateDatabase(name);
  return OpenPostgres({.url = server.BouncerUrl(name)});
}

INSTANTIATE_TEST_SUITE_P(Sqlite, SqlConformance, testing::Values(EmptySqlite));
INSTANTIATE_TEST_SUITE_P(Postgres, SqlConformance, testing::Values(EmptyPostgres));
INSTANTIATE_TEST_SUITE_P(PgBouncer, SqlConformance, testing::Values(EmptyPostgresThroughPgBouncer));

}  // namespace
}  // namespace narralytica::platform
