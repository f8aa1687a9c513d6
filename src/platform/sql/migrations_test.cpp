#include "platform/sql/migrations.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "platform/sql/logical_catalog.hpp"
#include "platform/sql/test_databases.hpp"

namespace narralytica::platform {
namespace {

std::unique_ptr<Database> EmptyDatabase(SqlDialect dialect) {
  static auto folder = TemporaryFolder::Create(testing::TempDir(), "migrations");
  if (dialect == SqlDialect::kSqlite) {
    return std::move(*OpenSqlite({.path = folder->path() + "/" + FreshName() + ".db"}));
  }
  return std::move(*OpenPostgres({.url = ThrowawayPostgres::Get().CreateDatabase(FreshName())}));
}

CatalogLines Catalog(Database& database) {
  auto tx = std::move(*database.Begin(SqlAccess::kRead));
  auto lines = LogicalCatalog(*tx);
  EXPECT_TRUE(lines) << lines.error().cause;
  std::erase_if(*lines, [](const std::string& line) {
    return line.find("schema_migrations") != std::string::npos;
  });
  return *lines;
}

int CountFor(SqlDialect dialect) {
  const std::string_view name = dialect == SqlDialect::kSqlite ? "sqlite" : "postgres";
  return static_cast<int>(std::ranges::count(EmbeddedMigrations(), name, &Migration::dialect));
}

class MigrationsTest : public testing::TestWithParam<SqlDialect> {
 protected:
  std::unique_ptr<Database> database_ = EmptyDatabase(GetParam());
  FakeClock clock_{UtcMs{1}};
  std::string dialect_ = GetParam() == SqlDialect::kSqlite ? "sqlite" : "postgres";
};

INSTANTIATE_TEST_SUITE_P(Databases, MigrationsTest, kEveryDialect, DialectLabel);

TEST_P(MigrationsTest, UpDownUpGivesTheSameSchema) {
  const auto& all = EmbeddedMigrations();
  const auto up = MigrateUp(*database_, all, clock_);
  ASSERT_TRUE(up) << up.error().cause;
  EXPECT_EQ(std::ssize(*up), CountFor(GetParam()));
  EXPECT_EQ(ListApplied(*database_, all)->size(), up->size());
  const CatalogLines schema = Catalog(*database_);
  ASSERT_THAT(schema, testing::Contains("primary key jobs|id"));
  const auto down = MigrateDown(*database_, all, CountFor(GetParam()));
  ASSERT_TRUE(down) << down.error().cause;
  EXPECT_THAT(Catalog(*database_), testing::IsEmpty());
  EXPECT_TRUE(ListApplied(*database_, all)->empty());
  ASSERT_TRUE(MigrateUp(*database_, all, clock_));
  EXPECT_EQ(Catalog(*database_), schema);
  EXPECT_TRUE(MigrateUp(*database_, all, clock_)->empty()) << "a second run changes nothing";
}

TEST_P(MigrationsTest, AFailedOneIsNotRecordedAndRunsAgain) {
  const std::vector<Migration> broken{{"0001_a", dialect_, "CREATE TABLE a (x TEXT)", ""},
                                      {"0002_b", dialect_, "CREATE TABLE b (x TEXT); oops", ""}};
  EXPECT_FALSE(MigrateUp(*database_, broken, clock_));
  EXPECT_THAT(Catalog(*database_),
              testing::UnorderedElementsAre("column a.x TEXT default ''", "a has 0 checks"));
  std::vector<Migration> mended = broken;
  mended[1].up = "CREATE TABLE b (x TEXT)";
  EXPECT_EQ(*MigrateUp(*database_, mended, clock_), std::vector<std::string>{"0002_b"});
}

TEST_P(MigrationsTest, AChangedOrUnknownHistoryIsRefused) {
  std::vector<Migration> migrations{{"0001_a", dialect_, "CREATE TABLE a (x TEXT)", ""}};
  ASSERT_TRUE(MigrateUp(*database_, migrations, clock_));
  migrations[0].up = "CREATE TABLE a (y TEXT)";
  EXPECT_EQ(MigrateUp(*database_, migrations, clock_).error().code, ErrorCode::kConflict);
  EXPECT_EQ(MigrateUp(*database_, {}, clock_).error().code, ErrorCode::kConflict);
}

TEST_P(MigrationsTest, SeveralProcessesThatStartTogetherMigrateOnce) {
  std::atomic<int> applied = 0;
  {
    std::vector<std::jthread> starters;
    for (int i = 0; i < 6; ++i) {
      starters.emplace_back([&] {
        const auto up = MigrateUp(*database_, EmbeddedMigrations(), clock_);
        ASSERT_TRUE(up) << up.error().cause;
        applied += static_cast<int>(up->size());
      });
    }
  }
  EXPECT_EQ(applied, CountFor(GetParam()));
}

TEST(Schema, IsTheSameOnEveryDatabase) {
  const auto folder = TemporaryFolder::Create(testing::TempDir(), "schema");
  const auto sqlite = FreshDatabase(SqlDialect::kSqlite, folder->path());
  const auto postgres = FreshDatabase(SqlDialect::kPostgres, folder->path());
  CatalogLines expected = Catalog(*sqlite);
  EXPECT_GT(expected.size(), 150U);
  // On PostgreSQL a claim pays for what these guard (docs/adr/0010).
  EXPECT_EQ(expected.erase("reference job_runs.job_id to jobs.id"), 1U);
  EXPECT_EQ(expected.erase("reference job_events.job_id to jobs.id"), 1U);
  EXPECT_THAT(Catalog(*postgres), testing::ElementsAreArray(expected));
}

// The negative twin: the comparison above sees each of these.
TEST(Schema, EveryKindOfDifferenceShows) {
  const auto database = FreshDatabase(SqlDialect::kPostgres, {});
  const CatalogLines whole = Catalog(*database);
  for (const char* fault : {
           "ALTER TABLE videos ADD extra TEXT",
           "ALTER TABLE videos ALTER title DROP NOT NULL",
           "ALTER TABLE videos ALTER duration_ms TYPE DOUBLE PRECISION",
           "ALTER TABLE jobs ALTER attempts SET DEFAULT 1",
           "ALTER TABLE sources DROP CONSTRAINT sources_tenant_id_external_id_key",
           "ALTER TABLE job_checkpoints DROP CONSTRAINT job_checkpoints_pkey",
           "ALTER TABLE segments DROP CONSTRAINT segments_video_id_fkey",
           "ALTER TABLE videos DROP CONSTRAINT videos_status_check",
           "ALTER DOMAIN job_status DROP CONSTRAINT job_status_check",
           "DROP INDEX jobs_claim",
           "DROP INDEX jobs_claim; CREATE INDEX jobs_claim ON jobs (priority, run_at_ms)"
           " WHERE status = 'queued'",
           "DROP INDEX jobs_claim; CREATE INDEX jobs_claim ON jobs (priority DESC, run_at_ms)",
           "DROP VIEW dead_letters",
           "CREATE TABLE more (id BIGINT)",
       }) {
    auto tx = std::move(*database->Begin(SqlAccess::kWrite));
    ASSERT_TRUE(tx->ExecuteScript(fault)) << fault;
    EXPECT_NE(*LogicalCatalog(*tx), whole) << fault;
  }
}

TEST(Schema, EveryTextOfPostgresIsOrderedByItsBytes) {
  static constexpr Statement kOthers{
      "catalog.collations", nullptr,
      "SELECT t.relname || '.' || a.attname FROM pg_attribute a"
      " JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
      " JOIN pg_collation c ON c.oid = a.attcollation WHERE t.relkind = 'r' AND a.attnum > 0"
      " AND n.nspname = current_schema() AND c.collname <> 'C'"
      " AND t.relname <> 'schema_migrations'"};
  const auto database = FreshDatabase(SqlDialect::kPostgres, {});
  auto tx = std::move(*database->Begin(SqlAccess::kWrite));
  EXPECT_TRUE(tx->Query(kOthers, {})->empty());
  ASSERT_TRUE(tx->ExecuteScript("ALTER TABLE videos ADD extra TEXT"));
  EXPECT_EQ(tx->Query(kOthers, {}).value()[0].Text(0), "videos.extra") << "the negative twin";
}

}  // namespace
}  // namespace narralytica::platform
