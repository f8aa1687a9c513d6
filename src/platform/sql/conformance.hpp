// What every implementation of the sql port must do; instantiated once per implementation.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "platform/sql/sql.hpp"

namespace narralytica::platform {

// A fresh, empty database for each test.
class SqlConformance
    : public ::testing::TestWithParam<std::function<Result<std::unique_ptr<Database>>()>> {
 protected:
  void SetUp() override {
    auto opened = GetParam()();
    ASSERT_TRUE(opened) << opened.error().cause;
    database_ = std::move(*opened);
    auto transaction = database_->Begin(SqlAccess::kWrite);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE((*transaction)
                    ->ExecuteScript("CREATE TABLE things (id TEXT PRIMARY KEY, count BIGINT,"
                                    " share DOUBLE PRECISION, body BLOB)"));
    ASSERT_TRUE((*transaction)->Commit());
  }
  std::unique_ptr<Database> database_;
};

inline constexpr Statement kInsertThing{
    "things.insert", "INSERT INTO things (id, count, share, body) VALUES ($1, $2, $3, $4)"};
inline constexpr Statement kAllThings{"things.all",
                                      "SELECT id, count, share, body FROM things ORDER BY id"};

TEST_P(SqlConformance, KeepsEveryTypeAndNull) {
  auto tx = *database_->Begin(SqlAccess::kWrite);
  ASSERT_TRUE(tx->Execute(kInsertThing, {"a", int64_t{1} << 60, 0.25, Blob{0, 255, 7}}));
  ASSERT_TRUE(tx->Execute(kInsertThing, {std::string("b\0c", 3), nullptr, nullptr, nullptr}));
  ASSERT_TRUE(tx->Commit());
  auto read = *database_->Begin(SqlAccess::kRead);
  const auto rows = read->Query(kAllThings, {});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].Int(1), int64_t{1} << 60);
  EXPECT_EQ((*rows)[0].Real(2), 0.25);
  EXPECT_EQ((*rows)[0].Bytes(3), (Blob{0, 255, 7}));
  EXPECT_EQ((*rows)[1].Text(0), std::string("b\0c", 3));
  EXPECT_TRUE((*rows)[1].IsNull(1));
  EXPECT_EQ((*rows)[1].MaybeText(3), std::nullopt);
}

TEST_P(SqlConformance, AnUncommittedTransactionLeavesNothing) {
  {
    auto tx = *database_->Begin(SqlAccess::kWrite);
    ASSERT_TRUE(tx->Execute(kInsertThing, {"a", 1, 1.0, nullptr}));
  }
  auto read = *database_->Begin(SqlAccess::kRead);
  EXPECT_TRUE(read->Query(kAllThings, {})->empty());
}

TEST_P(SqlConformance, ADuplicateKeyIsAConflict) {
  auto tx = *database_->Begin(SqlAccess::kWrite);
  ASSERT_TRUE(tx->Execute(kInsertThing, {"a", 1, 1.0, nullptr}));
  const auto again = tx->Execute(kInsertThing, {"a", 2, 2.0, nullptr});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
}

TEST_P(SqlConformance, ABrokenStatementIsOurDefectAndStaysPrivate) {
  static constexpr Statement kBroken{"things.broken", "SELECT something FROM nowhere"};
  auto tx = *database_->Begin(SqlAccess::kRead);
  const auto rows = tx->Query(kBroken, {});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::kInternal);
  EXPECT_EQ(rows.error().message.find("nowhere"), std::string::npos);
  EXPECT_NE(rows.error().cause.find("nowhere"), std::string::npos) << rows.error().cause;
}

TEST_P(SqlConformance, AReaderKeepsItsSnapshotWhileAnotherWrites) {
  auto reader = *database_->Begin(SqlAccess::kRead);
  ASSERT_TRUE(reader->Query(kAllThings, {})->empty());
  auto writer = *database_->Begin(SqlAccess::kWrite);
  ASSERT_TRUE(writer->Execute(kInsertThing, {"a", 1, 1.0, nullptr}));
  ASSERT_TRUE(writer->Commit());
  EXPECT_TRUE(reader->Query(kAllThings, {})->empty());
}

TEST_P(SqlConformance, OneParameterMayStandInSeveralPlaces) {
  static constexpr Statement kTwice{"things.twice", "SELECT $1 || $1, $2 + $2"};
  auto tx = *database_->Begin(SqlAccess::kRead);
  const auto rows = tx->Query(kTwice, {"ab", 21});
  ASSERT_TRUE(rows);
  EXPECT_EQ((*rows)[0].Text(0), "abab");
  EXPECT_EQ((*rows)[0].Int(1), 42);
}

}  // namespace narralytica::platform
