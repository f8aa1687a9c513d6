// The change feed: what changed, in one order that never has gaps for a reader.
//
// A writer appends an unnumbered row in its own transaction. A sequencer, one at a time by lease,
// numbers committed rows; readers see numbered rows only. So a cursor that has passed `seq` will
// never miss a row that commits later with a smaller number.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/tx.hpp"

namespace narralytica::jobs {

struct Change {
  int64_t seq = 0;
  TenantId tenant;
  std::string entity;  // "video", "transcript", "vectors", ...
  std::string entity_id;
  std::string op;  // "put" | "delete"
};

struct ChangedEntity {
  std::string_view entity;
  std::string_view id;
};

// Tells that an entity changed, as part of the writer's transaction.
Status AppendChange(access::Tx& tx, const ChangedEntity& changed, std::string_view op, UtcMs now);

// Numbers up to `limit` committed rows; returns how many. The transaction must be in the system
// scope; its write lock (SQLite) or the sequencer's lease row (PostgreSQL) keeps it single.
Result<int64_t> NumberChanges(access::Tx& tx, int limit);

// Numbered changes after `after_seq`, oldest first, over all tenants: for projections.
Result<std::vector<Change>> ReadAllChanges(access::Tx& tx, int64_t after_seq, int limit);
// The newest number, 0 without any.
Result<int64_t> NewestSeq(access::Tx& tx);
// When the oldest change was made that comes after `seq`, numbered or not; nullopt when there is
// none: whoever has seen `seq` has seen all.
Result<std::optional<UtcMs>> OldestChangeAfter(access::Tx& tx, int64_t seq);

}  // namespace narralytica::jobs
