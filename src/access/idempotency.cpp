#include "access/idempotency.hpp"

#include "base/hash.hpp"

namespace narralytica::access {
namespace {

using platform::Rows;
using platform::Statement;

constexpr size_t kKeyCharactersMax = 255;

constexpr Statement kFind{"idempotency.find",
                          "SELECT request_sha256, answer FROM idempotency_keys"
                          " WHERE tenant_id = $1 AND operation = $2 AND key = $3"};
constexpr Statement kInsert{"idempotency.insert",
                            "INSERT INTO idempotency_keys"
                            " (tenant_id, operation, key, request_sha256, answer, created_at_ms)"
                            " VALUES ($1, $2, $3, $4, $5, $6)"};
constexpr Statement kExpire{"idempotency.expire",
                            "DELETE FROM idempotency_keys"
                            " WHERE tenant_id = $1 AND created_at_ms < $2"};

}  // namespace

Result<std::optional<std::string>> FindReplay(Tx& tx, const IdempotentRequest& request) {
  if (request.key.empty() || request.key.size() > kKeyCharactersMax) {
    return Fail(ErrorCode::kInvalid, "an idempotency key has 1 to 255 characters",
                "use a fresh UUID for each new request");
  }
  NRL_TRY(const Rows rows, tx.Query(kFind, tx.tenant(), request.operation, request.key));
  if (rows.empty()) return std::nullopt;
  if (rows[0].Text(0) != Sha256Hex(request.request)) {
    return Fail(Error{ErrorCode::kConflict,
                      "this idempotency key was used for a different request",
                      "use a new key for a new request",
                      {},
                      "idempotency_mismatch"});
  }
  return rows[0].Text(1);
}

Status RecordAnswer(Tx& tx, const IdempotentRequest& request, std::string_view answer, UtcMs now) {
  NRL_CHECK(tx.Execute(kInsert, tx.tenant(), request.operation, request.key,
                       Sha256Hex(request.request), answer, now));
  return {};
}

Result<int64_t> ExpireKeys(Tx& tx, UtcMs before) {
  return tx.Execute(kExpire, tx.tenant(), before);
}

}  // namespace narralytica::access
