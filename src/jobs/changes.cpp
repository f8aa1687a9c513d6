#include "jobs/changes.hpp"

namespace narralytica::jobs {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

constexpr Statement kAppend{"changes.append",
                            "INSERT INTO changes (tenant_id, entity, entity_id, op, created_at_ms)"
                            " VALUES ($1, $2, $3, $4, $5)"};
constexpr Statement kNewest{"changes.newest", "SELECT COALESCE(MAX(seq), 0) FROM changes"};
constexpr Statement kNumber{
    "changes.number",
    "UPDATE changes SET seq = numbered.seq FROM"
    " (SELECT id, $1 + ROW_NUMBER() OVER (ORDER BY id) AS seq FROM changes WHERE seq IS NULL"
    " ORDER BY id LIMIT $2) AS numbered WHERE changes.id = numbered.id"};
constexpr Statement kAfter{"changes.after",
                           "SELECT seq, tenant_id, entity, entity_id, op FROM changes"
                           " WHERE seq > $1 ORDER BY seq LIMIT $2"};
constexpr Statement kOldestAfter{
    "changes.oldest_after", "SELECT MIN(created_at_ms) FROM changes WHERE seq > $1 OR seq IS NULL"};

}  // namespace

Status AppendChange(access::Tx& tx, const ChangedEntity& changed, std::string_view op, UtcMs now) {
  NRL_CHECK(tx.Execute(kAppend, tx.tenant(), changed.entity, changed.id, op, now));
  return {};
}

Result<int64_t> NumberChanges(access::Tx& tx, int limit) {
  NRL_CHECK(tx.Lock("changes"));
  NRL_TRY(const int64_t newest, NewestSeq(tx));
  return tx.Execute(kNumber, newest, limit);
}

Result<std::vector<Change>> ReadAllChanges(access::Tx& tx, int64_t after_seq, int limit) {
  NRL_TRY(const Rows rows, tx.Query(kAfter, after_seq, limit));
  std::vector<Change> changes;
  changes.reserve(rows.size());
  for (const Row& row : rows) {
    changes.push_back(
        {row.Int(0), TenantId::FromTrusted(row.Text(1)), row.Text(2), row.Text(3), row.Text(4)});
  }
  return changes;
}

Result<int64_t> NewestSeq(access::Tx& tx) {
  NRL_TRY(const Rows rows, tx.Query(kNewest));
  return rows[0].Int(0);
}

Result<std::optional<UtcMs>> OldestChangeAfter(access::Tx& tx, int64_t seq) {
  NRL_TRY(const Rows rows, tx.Query(kOldestAfter, seq));
  if (rows[0].IsNull(0)) return std::nullopt;
  return UtcMs{rows[0].Int(0)};
}

}  // namespace narralytica::jobs
