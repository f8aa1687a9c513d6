// What every implementation of the sql port must do; instantiated once per implementation.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

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
    const bool sqlite = database_->dialect() == SqlDialect::kSqlite;
    ASSERT_TRUE((*transaction)->ExecuteScript(sqlite ? kSqliteTables : kPostgresTables));
    ASSERT_TRUE((*transaction)->Commit());
  }
  static constexpr const char* kSqliteTables =
      "CREATE TABLE things (id TEXT PRIMARY KEY, count BIGINT, share DOUBLE PRECISION, body BLOB);"
      "CREATE TABLE parts (thing TEXT NOT NULL REFERENCES things (id))";
  static constexpr const char* kPostgresTables =
      "CREATE TABLE things (id TEXT COLLATE \"C\" PRIMARY KEY, count BIGINT,"
      " share DOUBLE PRECISION, body BYTEA);"
      "CREATE TABLE parts (thing TEXT COLLATE \"C\" NOT NULL REFERENCES things (id))";
  std::unique_ptr<Database> database_;
};

inline constexpr Statement kInsertThing{
    "things.insert", "INSERT INTO things (id, count, share, body) VALUES ($1, $2, $3, $4)"};
inline constexpr Statement kAllThings{"things.all",
                                      "SELECT id, count, share, body FROM things ORDER BY id"};

TEST_P(SqlConformance, KeepsEveryTypeAndNull) {
  auto tx = *database_->Begin(SqlAccess::kWrite);
  ASSERT_TRUE(tx->Execute(kInsertThing, {"a", int64_t{1} << 60, 0.25, Blob{0, 255, 7}}));
  ASSERT_TRUE(tx->Execute(kInsertThing, {"b\xF0\x9F\x90\x9D'\\\"\n", nullptr, nullptr, nullptr}));
  ASSERT_TRUE(tx->Execute(kInsertThing, {"c", -1, -1e300, Blob{}}));
  ASSERT_TRUE(tx->Commit());
  auto read = *database_->Begin(SqlAccess::kRead);
  const auto rows = read->Query(kAllThings, {});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ((*rows)[0].Int(1), int64_t{1} << 60);
  EXPECT_EQ((*rows)[0].Real(2), 0.25);
  EXPECT_EQ((*rows)[0].Bytes(3), (Blob{0, 255, 7}));
  EXPECT_EQ((*rows)[1].Text(0), "b\xF0\x9F\x90\x9D'\\\"\n");
  EXPECT_TRUE((*rows)[1].IsNull(1));
  EXPECT_EQ((*rows)[1].MaybeText(3), std::nullopt);
  EXPECT_EQ((*rows)[2].Int(1), -1);
  EXPECT_EQ((*rows)[2].Real(2), -1e300);
  EXPECT_EQ((*rows)[2].Bytes(3), Blob{});
}

TEST_P(SqlConformance, StatementsAloneAreTransactionsEach) {
  constexpr int kClients = 6, kEach = 20;
  {
    std::vector<std::jthread> clients;
    for (int client = 0; client < kClients; ++client) {
      clients.emplace_back([&, client] {
        for (int i = 0; i < kEach; ++i) {
          const std::string id = std::to_string(client) + "-" + std::to_string(i);
          const SqlValue share = i % 2 == 0 ? SqlValue(0.5) : SqlValue();
          const auto put = database_->Once(kInsertThing, {id, i, share, nullptr});
          ASSERT_TRUE(put) << put.error().cause;
          const auto again = database_->Once(kInsertThing, {id, i, share, nullptr});
          ASSERT_FALSE(again);
          EXPECT_EQ(again.error().code, ErrorCode::kConflict);
        }
      });
    }
  }
  EXPECT_EQ(database_->Once(kAllThings, {})->size(), size_t{kClients * kEach});
}

TEST_P(SqlConformance, TextThatNotEveryDatabaseHoldsIsRefused) {
  for (const std::string& text : {std::string("b\0c", 3), std::string("caf\xE9"),
                                  std::string("\xED\xA0\x80"), std::string("\xC0\xAF")}) {
    auto tx = *database_->Begin(SqlAccess::kWrite);
    const auto kept = tx->Execute(kInsertThing, {text, 1, 1.0, nullptr});
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, ErrorCode::kInvalid);
  }
}

TEST_P(SqlConformance, TextIsOrderedByItsBytes) {
  static constexpr Statement kBefore{"things.before", "SELECT COUNT(*) FROM things WHERE id < $1"};
  const std::vector<std::string> ordered{"A", "B", "a", "a-b", "ab", "\xC3\xA4"};
  auto tx = *database_->Begin(SqlAccess::kWrite);
  for (const std::string& id : ordered) ASSERT_TRUE(tx->Execute(kInsertThing, {id, 1, 1.0, {}}));
  const Rows rows = tx->Query(kAllThings, {}).value();
  ASSERT_EQ(rows.size(), ordered.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].Text(0), ordered[i]);
    EXPECT_EQ(tx->Query(kBefore, {ordered[i]}).value()[0].Int(0), static_cast<int64_t>(i));
  }
}

TEST_P(SqlConformance, AFailedStatementSpoilsItsTransaction) {
  auto tx = *database_->Begin(SqlAccess::kWrite);
  ASSERT_TRUE(tx->Execute(kInsertThing, {"a", 1, 1.0, nullptr}));
  ASSERT_FALSE(tx->Execute(kInsertThing, {"a", 2, 2.0, nullptr}));
  EXPECT_EQ(tx->Execute(kInsertThing, {"b", 2, 2.0, nullptr}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(tx->Query(kAllThings, {}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(tx->Commit().error().code, ErrorCode::kConflict);
  tx.reset();
  auto read = *database_->Begin(SqlAccess::kRead);
  EXPECT_TRUE(read->Query(kAllThings, {})->empty());
}

TEST_P(SqlConformance, AMissingParentIsAConflict) {
  static constexpr Statement kInsertPart{"parts.insert", "INSERT INTO parts (thing) VALUES ($1)"};
  auto tx = *database_->Begin(SqlAccess::kWrite);
  const auto orphan = tx->Execute(kInsertPart, {"nothing"});
  ASSERT_FALSE(orphan);
  EXPECT_EQ(orphan.error().code, ErrorCode::kConflict);
}

TEST_P(SqlConformance, ChangedRowsAreCountedAndReturned) {
  static constexpr Statement kGrow{"things.grow", "UPDATE things SET count = count + $1"};
  static constexpr Statement kPut{
      "things.put",
      "INSERT INTO things (id, count) VALUES ($1, $2)"
      " ON CONFLICT (id) DO UPDATE SET count = things.count + excluded.count RETURNING count"};
  auto tx = *database_->Begin(SqlAccess::kWrite);
  EXPECT_EQ(tx->Execute(kGrow, {1}).value(), 0);
  EXPECT_EQ(tx->Query(kPut, {"a", 2}).value()[0].Int(0), 2);
  EXPECT_EQ(tx->Query(kPut, {"a", 3}).value()[0].Int(0), 5);
  ASSERT_TRUE(tx->Query(kPut, {"b", 1}));
  EXPECT_EQ(tx->Execute(kGrow, {10}).value(), 2);
}

TEST_P(SqlConformance, ManyThreadsShareFewConnections) {
  static constexpr Statement kAdd{"things.add", "UPDATE things SET count = count + 1"};
  {
    auto tx = *database_->Begin(SqlAccess::kWrite);
    ASSERT_TRUE(tx->Execute(kInsertThing, {"a", 0, 1.0, nullptr}));
    ASSERT_TRUE(tx->Commit());
  }
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 24; ++i) {
      threads.emplace_back([&] {
        auto tx = database_->Begin(SqlAccess::kWrite);
        ASSERT_TRUE(tx) << tx.error().cause;
        ASSERT_TRUE((*tx)->Execute(kAdd, {}));
        ASSERT_TRUE((*tx)->Commit());
      });
    }
  }
  auto read = *database_->Begin(SqlAccess::kRead);
  EXPECT_EQ(read->Query(kAllThings, {}).value()[0].Int(1), 24);
}

TEST_P(SqlConformance, ASoundDatabaseSaysSo) { EXPECT_TRUE(database_->CheckIntegrity()); }

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
