#include "access/tx.hpp"

namespace narralytica::access {

TenantId DefaultTenant() { return TenantId::FromTrusted("00000000-0000-7000-8000-000000000001"); }

Result<Tx> Tx::Begin(platform::Database& database, Scope scope, platform::SqlAccess access) {
  NRL_TRY(auto transaction, database.Begin(access));
  return Tx(std::move(scope), std::move(transaction));
}

}  // namespace narralytica::access
