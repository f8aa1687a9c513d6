// The `sql` port: the little of a relational database that Narralytica uses, thin over sqlite3 and
// (production) libpq.
//
// Statements are constants with a name, one text for both databases: placeholders $1..$n, integers,
// text and blobs only, UPSERT by ON CONFLICT, RETURNING. What cannot be said in both goes into
// `Statement::postgres`. Everything runs inside a transaction; access::Tx is the only caller of
// Begin, so that the tenant is always set.
//
// A Database is thread-safe; a Transaction belongs to one thread at a time.
//
// Failures: kConflict for a violated unique or foreign key and for a serialization failure (retry
// the whole transaction), kUnavailable when the database is down, locked past the deadline or full,
// kCorrupt when it says that its file is damaged, kInternal for a defect of the statement.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace narralytica::platform {

struct Statement {
  const char* name;
  const char* text;
  const char* postgres = nullptr;  // when the text differs there
};

using Blob = std::vector<uint8_t>;

// A bound parameter or a column. Null is std::monostate.
class SqlValue {
 public:
  SqlValue() = default;
  SqlValue(std::nullptr_t) {}
  SqlValue(std::nullopt_t) {}
  SqlValue(bool value) : value_(static_cast<int64_t>(value)) {}
  SqlValue(int value) : value_(static_cast<int64_t>(value)) {}
  SqlValue(int64_t value) : value_(value) {}
  SqlValue(double value) : value_(value) {}
  SqlValue(const char* value) : value_(std::string(value)) {}
  SqlValue(std::string_view value) : value_(std::string(value)) {}
  SqlValue(std::string value) : value_(std::move(value)) {}
  SqlValue(Blob value) : value_(std::move(value)) {}
  template <typename T>
  SqlValue(const std::optional<T>& value) {
    if (value) *this = SqlValue(*value);
  }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  const auto& variant() const { return value_; }

 private:
  std::variant<std::monostate, int64_t, double, std::string, Blob> value_;
};

// One row of an answer. Reading a column as the wrong type is a defect and aborts.
class Row {
 public:
  explicit Row(std::vector<SqlValue> columns) : columns_(std::move(columns)) {}
  bool IsNull(size_t column) const { return At(column).is_null(); }
  int64_t Int(size_t column) const;
  double Real(size_t column) const;
  const std::string& Text(size_t column) const;
  const Blob& Bytes(size_t column) const;
  std::optional<int64_t> MaybeInt(size_t column) const;
  std::optional<double> MaybeReal(size_t column) const;
  std::optional<std::string> MaybeText(size_t column) const;
  // "" for null.
  std::string TextOrEmpty(size_t column) const { return MaybeText(column).value_or(""); }

 private:
  const SqlValue& At(size_t column) const;
  std::vector<SqlValue> columns_;
};

using Rows = std::vector<Row>;
using SqlParams = std::vector<SqlValue>;

enum class SqlDialect { kSqlite, kPostgres };
enum class SqlAccess { kRead, kWrite };

class SqlTransaction {
 public:
  virtual ~SqlTransaction() = default;  // rolls back what was not committed
  // All rows; statements bound their answers themselves with LIMIT.
  virtual Result<Rows> Query(const Statement& statement, const SqlParams& params) = 0;
  // The number of rows inserted, changed or deleted.
  virtual Result<int64_t> Execute(const Statement& statement, const SqlParams& params) = 0;
  // Several statements separated by semicolons, without parameters: for migrations only.
  virtual Status ExecuteScript(std::string_view script) = 0;
  virtual Status Commit() = 0;
};

class Database {
 public:
  virtual ~Database() = default;
  // Waits at most the database's own lock timeout for the right to write.
  virtual Result<std::unique_ptr<SqlTransaction>> Begin(SqlAccess access) = 0;
  virtual SqlDialect dialect() const = 0;
  // A consistent full copy into a new file at `path`, while others go on reading and writing.
  virtual Status CopyTo(const std::string& path) = 0;
  // The database's own verdict over its pages; kCorrupt with its first complaint.
  virtual Status CheckIntegrity() = 0;
};

struct SqliteOptions {
  std::string path;
  std::chrono::milliseconds lock_timeout{10'000};
  int connections_max = 8;
};

// Creates the file if needed; WAL, foreign keys on, full sync at each commit.
Result<std::unique_ptr<Database>> OpenSqlite(SqliteOptions options);

}  // namespace narralytica::platform
