// The `sql` port: the little of a relational database that Narralytica uses, thin over sqlite3 and
// (production) libpq.
//
// Statements are constants with a name, one text for both databases: placeholders $1..$n, integers,
// text and blobs only, UPSERT by ON CONFLICT, RETURNING. What cannot be said in both goes into
// `Statement::postgres`. Everything runs inside a transaction; access::Tx is the only caller of
// Begin, so that the tenant is always set.
//
// Text is UTF-8 without NUL characters on both, because PostgreSQL holds no other: anything else is
// refused with kInvalid. Bytes belong into a Blob. Text is ordered by its bytes.
//
// SQLite's writers wait for one another; PostgreSQL's run side by side, each statement seeing what
// was committed before it (READ COMMITTED). What is read and then relied on must be guarded by a
// key, a row lock or access::Tx::Lock. Readers see one snapshot on both.
//
// A Database is thread-safe; a Transaction belongs to one thread at a time. After a statement has
// failed its transaction is spoiled: every later call, Commit included, returns that error.
//
// Failures: kConflict for a violated constraint and, with reason kTransactionConflict, for what
// another transaction was in the way of (run the whole transaction again), kUnavailable when the
// database is down, locked past the deadline or full, kDenied when it refuses its user, kCorrupt
// when it says that its file is damaged, kInternal for a defect of the statement. Messages are
// public; causes may name tables, hosts and users, never a password.
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

// kInvalid when a parameter is a text that is not UTF-8 or holds a NUL; for implementations.
Status CheckTexts(const SqlParams& params);

// The reason of a kConflict that the same transaction may not meet when it runs again.
inline constexpr const char* kTransactionConflict = "transaction_conflict";

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
  // A kUnavailable from here leaves open whether it happened: what follows must look.
  virtual Status Commit() = 0;
};

class Database {
 public:
  virtual ~Database() = default;
  // Waits at most the database's own lock timeout for the right to write.
  virtual Result<std::unique_ptr<SqlTransaction>> Begin(SqlAccess access) = 0;
  // One statement as a write transaction of its own, in one round trip where the database has any.
  // It sets its own scope, if it needs one. A kUnavailable leaves open whether it happened.
  virtual Result<Rows> Once(const Statement& statement, const SqlParams& params) {
    auto transaction = Begin(SqlAccess::kWrite);
    if (!transaction) return std::unexpected(transaction.error());
    auto rows = (*transaction)->Query(statement, params);
    if (!rows) return rows;
    const Status committed = (*transaction)->Commit();
    if (!committed) return std::unexpected(committed.error());
    return rows;
  }
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

struct PostgresOptions {
  std::string url;            // postgres://USER@HOST:PORT/NAME?sslmode=verify-full
  std::string password_file;  // "": the password comes from the URL, PGPASSWORD or PGPASSFILE
  std::chrono::milliseconds lock_timeout{10'000};
  std::chrono::milliseconds statement_timeout{60'000};
  int connections_max = 8;
};

// PostgreSQL 15 or newer, directly or through PgBouncer in transaction mode: a statement kept by
// name is run unnamed where it is missing, and no setting outlives its transaction. Connections
// that broke are made again. Refuses with kDenied a role that row-level security does not bind
// (superuser, BYPASSRLS), and with kInvalid a database that is not in UTF-8 or a URL that cannot be
// read.
Result<std::unique_ptr<Database>> OpenPostgres(PostgresOptions options);

// What may be shown of a PostgreSQL URL, and what is to be checked before it is used.
struct PostgresUrl {
  std::string shown;  // user@host:port/name, without password and parameters
  bool has_password = false;
  bool is_local = false;      // a Unix socket or the loopback
  bool tls_verified = false;  // sslmode=verify-full, in the URL or PGSSLMODE
};
// kInvalid when it cannot be read; its text is not repeated, for it may hold a password.
Result<PostgresUrl> ParsePostgresUrl(const std::string& url);

}  // namespace narralytica::platform
