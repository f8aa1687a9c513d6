#include "access/tx.hpp"

namespace narralytica::access {
namespace {

// Both end with the transaction: a pooled connection carries nothing to its next user.
constexpr platform::Statement kSetScope{
    "tx.set_scope", nullptr,
    "SELECT set_config('app.tenant', $1, true), set_config('app.scope', $2, true)"};
constexpr platform::Statement kLock{"tx.lock", nullptr,
                                    "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"};

}  // namespace

TenantId DefaultTenant() { return TenantId::FromTrusted("00000000-0000-7000-8000-000000000001"); }

Result<Tx> Tx::Begin(platform::Database& database, Scope scope, platform::SqlAccess access) {
  NRL_TRY(auto transaction, database.Begin(access));
  const bool postgres = database.dialect() == platform::SqlDialect::kPostgres;
  if (postgres) {
    const char* kind = scope.tenant.empty() ? "system" : "tenant";
    NRL_CHECK(transaction->Query(kSetScope, {scope.tenant.str(), kind}));
  }
  return Tx(std::move(scope), std::move(transaction), postgres);
}

Status Tx::Lock(std::string_view name) {
  if (writers_are_alone_) return {};
  NRL_CHECK(transaction_->Query(kLock, {name}));
  return {};
}

}  // namespace narralytica::access
