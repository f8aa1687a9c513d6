// Idempotency keys: a caller's promise that two requests with the same key are one request.
//
// The key, scoped to tenant and operation, is written in the same transaction as the effect, with
// the hash of the request and the answer. A repeat gets the first answer; a repeat with another
// request is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "access/tx.hpp"

namespace narralytica::access {

struct IdempotentRequest {
  std::string operation;  // "ingest"
  std::string key;        // the caller's, 1-255 characters
  std::string request;    // canonical text of what is asked
};

// The stored answer of an earlier identical request, or nullopt when this is the first. kConflict
// with reason "idempotency_mismatch" when the key was used for another request; kInvalid for a key
// of a wrong length.
Result<std::optional<std::string>> FindReplay(Tx& tx, const IdempotentRequest& request);
// Stores the answer; call it last in the transaction that has the effect.
Status RecordAnswer(Tx& tx, const IdempotentRequest& request, std::string_view answer, UtcMs now);
// Forgets keys older than `before`; returns how many.
Result<int64_t> ExpireKeys(Tx& tx, UtcMs before);

}  // namespace narralytica::access
