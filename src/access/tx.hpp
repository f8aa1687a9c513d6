// access::Tx: the only way to the database.
//
// A transaction always knows for whom it acts (tenant), who acts (actor) and which piece of work it
// belongs to (trace). Every statement names the tenant; on PostgreSQL it is set for the transaction
// too, so that row-level security shows and takes no other tenant's rows whatever a statement
// forgets. Work that spans tenants (claiming jobs, numbering changes) uses SystemScope(), which
// reaches the tables of jobs, changes, workers and leases, and reads keys and sessions to find out
// who calls.
#pragma once

#include <concepts>
#include <functional>
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
  Status Commit() {
    NRL_CHECK(transaction_->Commit());
    for (const auto& call : after_commit_) call();
    return {};
  }
  // Called once the transaction has committed, and never when it has not.
  void AfterCommit(std::function<void()> call) { after_commit_.push_back(std::move(call)); }

  // A statement that is a transaction of its own and sets its scope itself, as the functions of
  // PostgreSQL's schema do; see platform::Database::Once.
  template <typename... Params>
  static Result<platform::Rows> Once(platform::Database& database,
                                     const platform::Statement& statement, Params&&... params) {
    return database.Once(statement, Pack(std::forward<Params>(params)...));
  }

  // Waits until no other transaction holds the lock of that name, and holds it to the end of this
  // one: for decisions that rest on rows another writer may be adding to. Call it before the reads.
  Status Lock(std::string_view name);

 private:
  Tx(Scope scope, std::unique_ptr<platform::SqlTransaction> transaction, bool postgres)
      : scope_(std::move(scope)),
        transaction_(std::move(transaction)),
        writers_are_alone_(!postgres) {}

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
  bool writers_are_alone_;
  std::vector<std::function<void()>> after_commit_;
};

inline constexpr int kWriteAttemptsMax = 5;

template <typename Body>
auto WriteOnce(platform::Database& database, const Scope& scope, Body& body)
    -> decltype(body(std::declval<Tx&>())) {
  NRL_TRY(Tx tx, Tx::Begin(database, scope, platform::SqlAccess::kWrite));
  auto outcome = body(tx);
  if (!outcome) return outcome;
  NRL_CHECK(tx.Commit());
  return outcome;
}

// Runs `body` in a write transaction and commits when it succeeds. When another transaction came in
// between, everything is undone and `body` runs again, so it must leave nothing behind but rows.
template <typename Body>
auto Write(platform::Database& database, const Scope& scope, Body&& body)
    -> decltype(body(std::declval<Tx&>())) {
  for (int attempt = 1;; ++attempt) {
    auto outcome = WriteOnce(database, scope, body);
    if (outcome || outcome.error().reason != platform::kTransactionConflict) return outcome;
    if (attempt == kWriteAttemptsMax) {
      Error error = outcome.error();
      error.reason.clear();
      return Fail(std::move(error));
    }
  }
}

// Runs `body` on one consistent snapshot.
template <typename Body>
auto Read(platform::Database& database, const Scope& scope, Body&& body)
    -> decltype(body(std::declval<Tx&>())) {
  NRL_TRY(Tx tx, Tx::Begin(database, scope, platform::SqlAccess::kRead));
  return body(tx);
}

}  // namespace narralytica::access
