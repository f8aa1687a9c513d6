#include "index/vector_store.hpp"

namespace narralytica::index {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

constexpr Statement kPut{
    "vectors.put",
    "INSERT INTO vectors (id, tenant_id, video_id, transcript_id, model, model_hash, object_key,"
    " count, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    " ON CONFLICT (tenant_id, transcript_id, model_hash) DO UPDATE SET"
    " object_key = excluded.object_key, count = excluded.count,"
    " created_at_ms = excluded.created_at_ms"};
constexpr Statement kOfTranscript{
    "vectors.of_transcript",
    "SELECT id, video_id, transcript_id, model, model_hash, object_key, count FROM vectors"
    " WHERE tenant_id = $1 AND transcript_id = $2 ORDER BY created_at_ms DESC, id DESC LIMIT 1"};
constexpr Statement kList{
    "vectors.list",
    "SELECT id, video_id, transcript_id, model, model_hash, object_key, count FROM vectors"
    " WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3"};
constexpr Statement kDelete{"vectors.delete",
                            "DELETE FROM vectors WHERE tenant_id = $1 AND id = $2"};

StoredVectors ReadVectors(const Row& row) {
  return {row.Text(0),
          VideoId::FromTrusted(row.Text(1)),
          TranscriptId::FromTrusted(row.Text(2)),
          row.Text(3),
          row.Text(4),
          row.Text(5),
          row.Int(6)};
}

}  // namespace

Status PutVectors(access::Tx& tx, const StoredVectors& vectors, UtcMs now) {
  NRL_CHECK(tx.Execute(kPut, vectors.id, tx.tenant(), vectors.video, vectors.transcript,
                       vectors.model, vectors.model_hash, vectors.object_key, vectors.count, now));
  return {};
}

Status DeleteVectors(access::Tx& tx, const std::string& id) {
  NRL_CHECK(tx.Execute(kDelete, tx.tenant(), id));
  return {};
}

Result<std::optional<StoredVectors>> VectorsOf(access::Tx& tx, const TranscriptId& transcript) {
  NRL_TRY(const Rows rows, tx.Query(kOfTranscript, tx.tenant(), transcript));
  if (rows.empty()) return std::nullopt;
  return ReadVectors(rows[0]);
}

Result<std::vector<StoredVectors>> ListVectors(access::Tx& tx, const std::string& after,
                                               int limit) {
  NRL_TRY(const Rows rows, tx.Query(kList, tx.tenant(), after, limit));
  std::vector<StoredVectors> all;
  for (const Row& row : rows) all.push_back(ReadVectors(row));
  return all;
}

Result<VideoVectors> LoadVectors(platform::ObjectStore& objects, const StoredVectors& vectors) {
  NRL_TRY(const auto bytes, objects.Get(vectors.object_key, kVectorsBytesMax));
  return DecodeVectors({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace narralytica::index
