#include <filesystem>
#include <functional>

#include "platform/file.hpp"
#include "platform/sql/conformance.hpp"
#include "platform/sql/migrations.hpp"

namespace narralytica::platform {
namespace {

Result<std::unique_ptr<Database>> FreshSqlite() {
  static auto folder = TemporaryFolder::Create(testing::TempDir(), "sqlite");
  static int count = 0;
  return OpenSqlite({.path = folder->path() + "/" + std::to_string(++count) + ".db"});
}

INSTANTIATE_TEST_SUITE_P(Sqlite, SqlConformance, testing::Values(FreshSqlite));

TEST(Sqlite, AFileThatIsNoDatabaseIsCorrupt) {
  const auto folder = TemporaryFolder::Create(testing::TempDir(), "nodb");
  const std::string path = folder->path() + "/x.db";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(4096, 'x')));
  const auto opened = OpenSqlite({.path = path});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
}

TEST(Sqlite, ASecondWriterWaitsForTheFirstThenGivesUp) {
  const auto folder = TemporaryFolder::Create(testing::TempDir(), "busy");
  const std::string path = folder->path() + "/x.db";
  auto one = *OpenSqlite({.path = path});
  auto other = *OpenSqlite({.path = path, .lock_timeout = std::chrono::milliseconds(1)});
  auto writing = *one->Begin(SqlAccess::kWrite);
  const auto second = other->Begin(SqlAccess::kWrite);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

// The logical catalog: what a schema is, whatever wrote it.
std::string Catalog(Database& database) {
  static constexpr Statement kCatalog{
      "catalog",
      "SELECT COALESCE(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
      " AND name <> 'schema_migrations' ORDER BY name"};
  auto tx = *database.Begin(SqlAccess::kRead);
  std::string text;
  const auto rows = tx->Query(kCatalog, {}).value();
  for (const Row& row : rows) text += row.Text(0) + "\n";
  return text;
}

TEST(Migrations, UpDownUpGivesTheSameSchema) {
  auto database = *FreshSqlite();
  FakeClock clock(UtcMs{1});
  const auto& all = EmbeddedMigrations();
  const auto up = MigrateUp(*database, all, clock);
  ASSERT_TRUE(up) << up.error().cause;
  EXPECT_EQ(up->size(), all.size());
  const std::string schema = Catalog(*database);
  ASSERT_NE(schema.find("CREATE TABLE jobs"), std::string::npos);
  const auto down = MigrateDown(*database, all, static_cast<int>(all.size()));
  ASSERT_TRUE(down) << down.error().cause;
  EXPECT_EQ(Catalog(*database), "");
  ASSERT_TRUE(MigrateUp(*database, all, clock));
  EXPECT_EQ(Catalog(*database), schema);
  EXPECT_TRUE(MigrateUp(*database, all, clock)->empty()) << "a second run changes nothing";
}

TEST(Migrations, AFailedOneIsNotRecordedAndRunsAgain) {
  auto database = *FreshSqlite();
  FakeClock clock(UtcMs{1});
  const std::vector<Migration> broken{{"0001_a", "sqlite", "CREATE TABLE a (x)", "DROP TABLE a"},
                                      {"0002_b", "sqlite", "CREATE TABLE b (x); oops", ""}};
  EXPECT_FALSE(MigrateUp(*database, broken, clock));
  EXPECT_EQ(Catalog(*database), "CREATE TABLE a (x)\n");
  std::vector<Migration> mended = broken;
  mended[1].up = "CREATE TABLE b (x)";
  EXPECT_EQ(*MigrateUp(*database, mended, clock), std::vector<std::string>{"0002_b"});
}

TEST(Migrations, AChangedOrUnknownHistoryIsRefused) {
  auto database = *FreshSqlite();
  FakeClock clock(UtcMs{1});
  std::vector<Migration> migrations{{"0001_a", "sqlite", "CREATE TABLE a (x)", "DROP TABLE a"}};
  ASSERT_TRUE(MigrateUp(*database, migrations, clock));
  migrations[0].up = "CREATE TABLE a (y)";
  EXPECT_EQ(MigrateUp(*database, migrations, clock).error().code, ErrorCode::kConflict);
  EXPECT_EQ(MigrateUp(*database, {}, clock).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace narralytica::platform
