// access::Tx: the only way to the database.
//
// A transaction always knows for whom it acts (tenant), who acts (actor) and which piece of work it
// belongs to (trace). On PostgreSQL the tenant is set with SET LOCAL, so that row-level security
// holds; on SQLite every statement names it. Work that spans tenants (claiming jobs, numbering
// changes) uses SystemScope() and touches only the tables on the listed exemption.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "base/environment.hpp"
#include "base/id.hpp"
#include "platform/sql/sql.hpp"

namespace narralytica::access {

struct Scope {
  TenantId tenant;    // empty: the system scope
  std::string actor;  // "user:<id>", "key:<id>", "worker:<id>", "cli"
  std::string trace;  // correlation id
};

// For the worker's claims and the change sequencer only.
inline Scope SystemScope(std::string actor) { return {TenantId(), std::move(actor), {}}; }

// The embedded default's one tenant.
TenantId DefaultTenant();

class Tx {
 public:
  static Result<Tx> Begin(platform::Database& database, Scope scope, platform::SqlAccess access);

  const Scope& scope() const { return scope_; }
  const TenantId& tenant() const { return scope_.tenant; }

  template <typename... Params>
  Result<platform::Rows> Query(const platform::Statement& statement, Params&&... params) {
    return transaction_->Query(statement, Pack(std::forward<Params>(params)...));
  }
  // The number of rows changed.
  template <typename... Params>
  Result<int64_t> Execute(const platform::Statement& statement, Params&&... params) {
    return transaction_->Execute(statement, Pack(std::forward<Params>(params)...));
  }
  // The one row of the answer; kNotFound "<what> does not exist" without one.
  template <typename... Params>
  Result<platform::Row> One(const char* what, const platform::Statement& statement,
                            Params&&... params) {
    NRL_TRY(platform::Rows rows, Query(statement, std::forward<Params>(params)...));
    if (rows.empty()) return Fail(ErrorCode::kNotFound, std::string(what) + " does not exist");
    return std::move(rows.front());
  }
  Status Commit() { return transaction_->Commit(); }

 private:
  Tx(Scope scope, std::unique_ptr<platform::SqlTransaction> transaction)
      : scope_(std::move(scope)), transaction_(std::move(transaction)) {}

  template <typename Tag>
  static platform::SqlValue ToValue(const Id<Tag>& id) {
    return id.empty() ? platform::SqlValue() : platform::SqlValue(id.str());
  }
  static platform::SqlValue ToValue(UtcMs time) { return time.value; }
  template <typename T>
    requires std::constructible_from<platform::SqlValue, T>
  static platform::SqlValue ToValue(T&& value) {
    return platform::SqlValue(std::forward<T>(value));
  }
  template <typename... Params>
  static platform::SqlParams Pack(Params&&... params) {
    platform::SqlParams packed;
    packed.reserve(sizeof...(params));
    (packed.push_back(ToValue(std::forward<Params>(params))), ...);
    return packed;
  }

  Scope scope_;
  std::unique_ptr<platform::SqlTransaction> transaction_;
};

// Runs `body` in a write transaction and commits when it succeeds.
template <typename Body>
auto Write(platform::Database& database, const Scope& scope, Body&& body)
    -> decltype(body(std::declval<Tx&>())) {
  NRL_TRY(Tx tx, Tx::Begin(database, scope, platform::SqlAccess::kWrite));
  auto outcome = body(tx);
  if (!outcome) return outcome;
  NRL_CHECK(tx.Commit());
  return outcome;
}

// Runs `body` on one consistent snapshot.
template <typename Body>
auto Read(platform::Database& database, const Scope& scope, Body&& body)
    -> decltype(body(std::declval<Tx&>())) {
  NRL_TRY(Tx tx, Tx::Begin(database, scope, platform::SqlAccess::kRead));
  return body(tx);
}

}  // namespace narralytica::access
