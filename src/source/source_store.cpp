#include "source/source_store.hpp"

namespace narralytica::source {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

#define NRL_SOURCE_COLUMNS "id, video_id, kind, locator, external_id, content_sha256, bytes"

constexpr Statement kInsert{
    "sources.insert",
    "INSERT INTO sources (id, tenant_id, video_id, kind, locator, external_id, content_sha256,"
    " bytes, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
constexpr Statement kByContent{"sources.by_content",
                               "SELECT " NRL_SOURCE_COLUMNS
                               " FROM sources WHERE tenant_id = $1 AND content_sha256 = $2"};
constexpr Statement kByExternalId{"sources.by_external_id",
                                  "SELECT " NRL_SOURCE_COLUMNS
                                  " FROM sources WHERE tenant_id = $1 AND external_id = $2"};
constexpr Statement kOfVideo{"sources.of_video",
                             "SELECT " NRL_SOURCE_COLUMNS
                             " FROM sources WHERE tenant_id = $1 AND video_id = $2"
                             " ORDER BY id LIMIT 1"};
constexpr Statement kSetContent{"sources.set_content",
                                "UPDATE sources SET content_sha256 = $3, bytes = $4"
                                " WHERE tenant_id = $1 AND video_id = $2"};
constexpr Statement kMove{
    "sources.move", "UPDATE sources SET video_id = $3 WHERE tenant_id = $1 AND video_id = $2"};

constexpr Statement kForget{"sources.forget",
                            "UPDATE sources SET content_sha256 = NULL, external_id = NULL"
                            " WHERE tenant_id = $1 AND video_id = $2"};

Source ReadSource(const Row& row) {
  return {SourceId::FromTrusted(row.Text(0)),
          VideoId::FromTrusted(row.Text(1)),
          row.Text(2),
          row.Text(3),
          row.TextOrEmpty(4),
          row.TextOrEmpty(5),
          row.MaybeInt(6).value_or(0)};
}

platform::SqlValue NullIfEmpty(const std::string& text) {
  return text.empty() ? platform::SqlValue() : platform::SqlValue(text);
}

Result<std::optional<Source>> FirstOf(const Result<Rows>& rows) {
  if (!rows) return Fail(rows);
  if (rows->empty()) return std::nullopt;
  return ReadSource(rows->front());
}

}  // namespace

Status InsertSource(access::Tx& tx, const Source& source, UtcMs now) {
  NRL_CHECK(tx.Execute(kInsert, source.id, tx.tenant(), source.video, source.kind, source.locator,
                       NullIfEmpty(source.external_id), NullIfEmpty(source.content_sha256),
                       source.bytes, now));
  return {};
}

Result<std::optional<Source>> FindByContent(access::Tx& tx, const std::string& content_sha256) {
  return FirstOf(tx.Query(kByContent, tx.tenant(), content_sha256));
}

Result<std::optional<Source>> FindByExternalId(access::Tx& tx, const std::string& external_id) {
  return FirstOf(tx.Query(kByExternalId, tx.tenant(), external_id));
}

Result<Source> SourceOfVideo(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Row row, tx.One("the source of the video", kOfVideo, tx.tenant(), video));
  return ReadSource(row);
}

Status SetContent(access::Tx& tx, const VideoId& video, const std::string& content_sha256,
                  int64_t bytes) {
  NRL_CHECK(tx.Execute(kSetContent, tx.tenant(), video, content_sha256, bytes));
  return {};
}

Status MoveSource(access::Tx& tx, const VideoId& from, const VideoId& to) {
  NRL_CHECK(tx.Execute(kMove, tx.tenant(), from, to));
  return {};
}

Status ForgetContent(access::Tx& tx, const VideoId& video) {
  NRL_CHECK(tx.Execute(kForget, tx.tenant(), video));
  return {};
}

}  // namespace narralytica::source
