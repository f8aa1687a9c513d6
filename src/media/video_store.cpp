#include "media/video_store.hpp"

#include <fmt/format.h>

#include "media/title.hpp"
#include "media/video_columns.hpp"

namespace narralytica::media {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

#define NRL_ARTIFACT_COLUMNS "kind, object_key, sha256, bytes, content_type, detail"

constexpr Statement kInsert{
    "videos.insert",
    "INSERT INTO videos (id, tenant_id, status, title, language, duration_ms, published_at_ms,"
    " metadata, created_at_ms, updated_at_ms, title_folded)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)"};
constexpr Statement kGet{
    "videos.get",
    "SELECT " NRL_VIDEO_COLUMNS
    " FROM videos WHERE tenant_id = $1 AND id = COALESCE((SELECT duplicate_of FROM videos"
    " WHERE tenant_id = $1 AND id = $2), $2)"};
constexpr Statement kList{"videos.list", "SELECT " NRL_VIDEO_COLUMNS
                                         " FROM videos WHERE tenant_id = $1 AND status <> 'deleted'"
                                         " AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3"};
constexpr Statement kSetStatus{
    "videos.set_status",
    "UPDATE videos SET status = $3, updated_at_ms = $4"
    " WHERE tenant_id = $1 AND id = $2 AND status NOT IN ('deleted', $3)"};
constexpr Statement kSetDuplicate{
    "videos.set_duplicate",
    "UPDATE videos SET status = 'deleted', duplicate_of = $3, updated_at_ms = $4"
    " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetName{"videos.set_name",
                             "UPDATE videos SET title = COALESCE(NULLIF($3, ''), title),"
                             " title_folded = COALESCE(NULLIF($4, ''), title_folded),"
                             " published_at_ms = COALESCE(published_at_ms, $5), updated_at_ms = $6"
                             " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetDuration{"videos.set_duration",
                                 "UPDATE videos SET duration_ms = $3, updated_at_ms = $4"
                                 " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetLanguage{"videos.set_language",
                                 "UPDATE videos SET language = $3, updated_at_ms = $4"
                                 " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kPutArtifact{
    "artifacts.put",
    "INSERT INTO artifacts (id, tenant_id, video_id, kind, object_key, sha256, bytes, content_type,"
    " detail, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " ON CONFLICT (tenant_id, video_id, kind) DO UPDATE SET object_key = excluded.object_key,"
    " sha256 = excluded.sha256, bytes = excluded.bytes, content_type = excluded.content_type,"
    " detail = excluded.detail, created_at_ms = excluded.created_at_ms"};
constexpr Statement kArtifacts{"artifacts.of_video",
                               "SELECT " NRL_ARTIFACT_COLUMNS
                               " FROM artifacts WHERE tenant_id = $1 AND video_id = $2"
                               " ORDER BY kind"};

std::optional<UtcMs> MaybeTime(const Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return UtcMs{row.Int(column)};
}

Artifact ReadArtifact(const Row& row) {
  return {row.Text(0),
          {row.Text(1), row.Text(2), row.Int(3)},
          row.Text(4),
          nlohmann::json::parse(row.Text(5))};
}

}  // namespace

Video ReadVideo(const Row& row) {
  return {VideoId::FromTrusted(row.Text(0)),
          row.Text(1),
          row.Text(2),
          row.TextOrEmpty(3),
          row.MaybeInt(4),
          MaybeTime(row, 5),
          nlohmann::json::parse(row.Text(6)),
          UtcMs{row.Int(7)},
          UtcMs{row.Int(8)}};
}

Status InsertVideo(access::Tx& tx, const Video& video) {
  platform::SqlValue published;
  if (video.published_at) published = video.published_at->value;
  const platform::SqlValue language =
      video.language.empty() ? platform::SqlValue() : platform::SqlValue(video.language);
  NRL_CHECK(tx.Execute(kInsert, video.id, tx.tenant(), video.status, video.title, language,
                       video.duration_ms, published, video.metadata.dump(), video.created_at,
                       FoldTitle(video.title)));
  return {};
}

Result<Video> GetVideo(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(kGet, tx.tenant(), video));
  if (rows.empty() || rows[0].Text(1) == "deleted") {
    return Fail(ErrorCode::kNotFound, fmt::format("video {} does not exist", video.str()),
                "ingest and search print the ids of videos");
  }
  return ReadVideo(rows[0]);
}

Result<std::vector<Video>> ListVideos(access::Tx& tx, const VideoId& before, int limit) {
  NRL_TRY(const Rows rows, tx.Query(kList, tx.tenant(), before.str(), limit));
  std::vector<Video> videos;
  for (const Row& row : rows) videos.push_back(ReadVideo(row));
  return videos;
}

Status SetVideoStatus(access::Tx& tx, const VideoId& video, std::string_view status, UtcMs now) {
  NRL_CHECK(tx.Execute(kSetStatus, tx.tenant(), video, status, now));
  return {};
}

std::function<Status(access::Tx&, const VideoId&, std::string_view)> VideoStatusWriter(
    Environment environment) {
  return [environment](access::Tx& tx, const VideoId& video, std::string_view status) {
    return SetVideoStatus(tx, video, status, environment.clock.Now());
  };
}

Status SetDuplicateOf(access::Tx& tx, const VideoId& video, const VideoId& other, UtcMs now) {
  NRL_ASSERT(video != other);
  NRL_CHECK(tx.Execute(kSetDuplicate, tx.tenant(), video, other, now));
  return {};
}

Status SetVideoName(access::Tx& tx, const VideoId& video, const VideoName& name, UtcMs now) {
  platform::SqlValue published;
  if (name.published_at) published = name.published_at->value;
  NRL_CHECK(
      tx.Execute(kSetName, tx.tenant(), video, name.title, FoldTitle(name.title), published, now));
  return {};
}

Status SetVideoDuration(access::Tx& tx, const VideoId& video, int64_t duration_ms, UtcMs now) {
  NRL_CHECK(tx.Execute(kSetDuration, tx.tenant(), video, duration_ms, now));
  return {};
}

Status SetVideoLanguage(access::Tx& tx, const VideoId& video, std::string_view language,
                        UtcMs now) {
  NRL_CHECK(tx.Execute(kSetLanguage, tx.tenant(), video, language, now));
  return {};
}

Status PutArtifact(access::Tx& tx, const VideoId& video, const Artifact& artifact,
                   Environment environment) {
  NRL_CHECK(tx.Execute(kPutArtifact, ArtifactId::New(environment), tx.tenant(), video,
                       artifact.kind, artifact.object.key, artifact.object.sha256,
                       artifact.object.bytes, artifact.content_type, artifact.detail.dump(),
                       environment.clock.Now()));
  return {};
}

Result<std::vector<Artifact>> ArtifactsOf(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(kArtifacts, tx.tenant(), video));
  std::vector<Artifact> artifacts;
  for (const Row& row : rows) artifacts.push_back(ReadArtifact(row));
  return artifacts;
}

Result<Artifact> ArtifactOf(access::Tx& tx, const VideoId& video, std::string_view kind) {
  NRL_TRY(const std::vector<Artifact> artifacts, ArtifactsOf(tx, video));
  for (const Artifact& artifact : artifacts) {
    if (artifact.kind == kind) return artifact;
  }
  return Fail(ErrorCode::kNotFound, fmt::format("video {} has no {} yet", video.str(), kind),
              "wait until it is processed, or look at its jobs");
}

}  // namespace narralytica::media
