// One connection to PostgreSQL: libpq with deadlines, and its failures as our errors.
//
// Every call ends by its deadline: past it the connection is broken and to be thrown away. Not
// thread-safe.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "platform/sql/sql.hpp"

namespace narralytica::platform {

struct PgClear {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct PgFinish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using PgResult = std::unique_ptr<PGresult, PgClear>;

class PostgresConnection {
 public:
  static Result<std::unique_ptr<PostgresConnection>> Open(const PostgresOptions& options);

  // Several statements in one message, without parameters.
  Result<PgResult> Script(const std::string& script, std::chrono::milliseconds timeout);
  // One statement with parameters, unnamed and parsed each time.
  Result<PgResult> Run(const Statement& statement, const SqlParams& params,
                       std::chrono::milliseconds timeout);
  // The same outside of a transaction, by a statement that the server keeps under the name of its
  // text and is parsed once. Where the server behind this connection changes (PgBouncer in
  // transaction mode) the statement is not there: then it is run, and all others are, as by Run.
  Result<PgResult> RunKept(const Statement& statement, const SqlParams& params,
                           std::chrono::milliseconds timeout);

  int server_version() const { return PQserverVersion(connection_.get()); }
  // Between transactions and alive, as far as is known without asking.
  bool idle() const;
  // Has served a transaction before: the server may have gone away since.
  bool used = false;

 private:
  explicit PostgresConnection(PGconn* connection) : connection_(connection) {}
  Result<PgResult> Answer(const char* name, std::chrono::milliseconds timeout);
  Status WaitReadable(std::chrono::steady_clock::time_point until);
  Error Lost(const char* name);

  std::unique_ptr<PGconn, PgFinish> connection_;
  bool broken_ = false;
  std::string state_;           // SQLSTATE of the last answer, empty when it was no error
  std::set<std::string> kept_;  // names of the statements that the server keeps
  bool keeps_ = true;           // false once one of them was gone
};

// All rows of an answer: bigint, integer, smallint, boolean and whole numeric as integers, real,
// double precision and other numeric as doubles, bytea as bytes, the rest as text.
Rows ReadRows(const PGresult& answer);

}  // namespace narralytica::platform
