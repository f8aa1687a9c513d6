#include <gtest/gtest.h>

#include "platform/file.hpp"
#include "platform/sql/sql.hpp"

namespace narralytica::platform {
namespace {

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

}  // namespace
}  // namespace narralytica::platform
