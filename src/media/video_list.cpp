#include "media/video_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "jobs/changes.hpp"
#include "media/title.hpp"
#include "media/video_columns.hpp"
#include "source/source_store.hpp"

namespace narralytica::media {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

// $2: statuses, comma-separated, "" for all; $3: a LIKE pattern of folded titles, "" for all.
#define NRL_VIDEO_CONDITIONS                                       \
  " AND status <> 'deleted'"                                       \
  " AND ($2 = '' OR ',' || $2 || ',' LIKE '%,' || status || ',%')" \
  " AND ($3 = '' OR title_folded LIKE $3 ESCAPE '\\')"

constexpr Statement kCount{"videos.count",
                           "SELECT COUNT(*) FROM videos WHERE tenant_id = $1" NRL_VIDEO_CONDITIONS};
constexpr Statement kNewest{"videos.newest",
                            "SELECT " NRL_VIDEO_COLUMNS
                            " FROM videos WHERE tenant_id = $1" NRL_VIDEO_CONDITIONS
                            " AND ($4 = '' OR id < $4) ORDER BY id DESC LIMIT $5 OFFSET $6"};
constexpr Statement kOldest{"videos.oldest",
                            "SELECT " NRL_VIDEO_COLUMNS
                            " FROM videos WHERE tenant_id = $1" NRL_VIDEO_CONDITIONS
                            " AND id > $4 ORDER BY id LIMIT $5 OFFSET $6"};
constexpr Statement kByTitle{"videos.by_title",
                             "SELECT " NRL_VIDEO_COLUMNS
                             " FROM videos WHERE tenant_id = $1" NRL_VIDEO_CONDITIONS
                             " AND ($4 = '' OR (title_folded, id) > ($7, $4))"
                             " ORDER BY title_folded, id LIMIT $5 OFFSET $6"};
constexpr Statement kByTitleDescending{"videos.by_title_descending",
                                       "SELECT " NRL_VIDEO_COLUMNS
                                       " FROM videos WHERE tenant_id = $1" NRL_VIDEO_CONDITIONS
                                       " AND ($4 = '' OR (title_folded, id) < ($7, $4))"
                                       " ORDER BY title_folded DESC, id DESC LIMIT $5 OFFSET $6"};
constexpr Statement kUpdatedSince{"videos.updated_since",
                                  "SELECT " NRL_VIDEO_COLUMNS
                                  " FROM videos WHERE tenant_id = $1 AND updated_at_ms >= $2"
                                  " ORDER BY updated_at_ms, id LIMIT $3"};

constexpr size_t kIdBytes = 36;

bool IsByTitle(VideoOrder order) {
  return order == VideoOrder::kByTitle || order == VideoOrder::kByTitleDescending;
}

const Statement& ListStatement(VideoOrder order) {
  switch (order) {
    case VideoOrder::kOldestFirst:
      return kOldest;
    case VideoOrder::kNewestFirst:
      return kNewest;
    case VideoOrder::kByTitle:
      return kByTitle;
    case VideoOrder::kByTitleDescending:
      return kByTitleDescending;
  }
  NRL_ASSERT(false);
}

std::string LikePattern(const std::string& title_part) {
  if (title_part.empty()) return {};
  std::string pattern = "%";
  for (const char c : FoldTitle(title_part)) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

Result<access::Page<Video>> ListVideos(access::Tx& tx, const VideoFilter& filter,
                                       const access::PageRequest& page) {
  const std::string statuses = fmt::format("{}", fmt::join(filter.statuses, ","));
  const std::string pattern = LikePattern(filter.title_part);
  // A cursor is an id, followed by the folded title where that is the order.
  const std::string after_id = page.after.substr(0, kIdBytes);
  const std::string after_title = page.after.substr(after_id.size());
  if (!after_id.empty() && (!IsUuid(after_id) || IsByTitle(filter.order) == after_title.empty())) {
    return Fail(ErrorCode::kInvalid, "the cursor belongs to another list",
                "begin again without a cursor");
  }
  NRL_TRY(const Rows counted, tx.Query(kCount, tx.tenant(), statuses, pattern));
  const Statement& statement = ListStatement(filter.order);
  NRL_TRY(const Rows rows, IsByTitle(filter.order)
                               ? tx.Query(statement, tx.tenant(), statuses, pattern, after_id,
                                          page.limit + 1, page.offset, after_title)
                               : tx.Query(statement, tx.tenant(), statuses, pattern, after_id,
                                          page.limit + 1, page.offset));
  std::vector<Video> videos;
  for (const Row& row : rows) videos.push_back(ReadVideo(row));
  return access::CutPage(std::move(videos), page, counted[0].Int(0), [&](const Video& video) {
    return video.id.str() + (IsByTitle(filter.order) ? FoldTitle(video.title) : "");
  });
}

Result<std::vector<Video>> VideosUpdatedSince(access::Tx& tx, UtcMs since, int limit) {
  NRL_TRY(const Rows rows, tx.Query(kUpdatedSince, tx.tenant(), since, limit));
  std::vector<Video> videos;
  for (const Row& row : rows) videos.push_back(ReadVideo(row));
  return videos;
}

Status DeleteVideo(access::Tx& tx, const VideoId& video, UtcMs now) {
  NRL_CHECK(GetVideo(tx, video));
  NRL_CHECK(SetVideoStatus(tx, video, "deleted", now));
  NRL_CHECK(source::ForgetContent(tx, video));
  return jobs::AppendChange(tx, {"video", video.str()}, "delete", now);
}

}  // namespace narralytica::media
