#include "source/feeds.hpp"

#include <fmt/format.h>

#include "source/watched_folder.hpp"

namespace narralytica::source {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

#define NRL_FEED_COLUMNS                                                                 \
  "id, tenant_id, kind, locator, title, poll_interval_s, etag, last_modified, failures," \
  " polling_since_ms, last_polled_at_ms, next_poll_at_ms, error_code, error_reason,"     \
  " error_message, error_hint, trace, created_at_ms, (SELECT COUNT(*) FROM feed_items"   \
  " WHERE feed_items.tenant_id = $1 AND feed_id = feeds.id AND state = 'taken')"

constexpr Statement kInsert{
    "feeds.insert",
    "INSERT INTO feeds (id, tenant_id, kind, locator, poll_interval_s, next_poll_at_ms,"
    " created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $6)"};
constexpr Statement kFindLocator{"feeds.find_locator",
                                 "SELECT id FROM feeds WHERE tenant_id = $1 AND locator = $2"};
constexpr Statement kGet{"feeds.get",
                         "SELECT " NRL_FEED_COLUMNS " FROM feeds WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kCount{"feeds.count", "SELECT COUNT(*) FROM feeds WHERE tenant_id = $1"};
constexpr Statement kPage{"feeds.page", "SELECT " NRL_FEED_COLUMNS
                                        " FROM feeds WHERE tenant_id = $1 AND ($2 = '' OR id < $2)"
                                        " ORDER BY id DESC LIMIT $3 OFFSET $4"};
constexpr Statement kPolledSince{"feeds.polled_since",
                                 "SELECT " NRL_FEED_COLUMNS
                                 " FROM feeds WHERE tenant_id = $1"
                                 " AND (last_polled_at_ms >= $2 OR polling_since_ms >= $2)"
                                 " ORDER BY id LIMIT $3"};
constexpr Statement kDeleteItems{"feed_items.delete",
                                 "DELETE FROM feed_items WHERE tenant_id = $1 AND feed_id = $2"};
constexpr Statement kDelete{"feeds.delete", "DELETE FROM feeds WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kMakeDue{"feeds.make_due",
                             "UPDATE feeds SET next_poll_at_ms = $3"
                             " WHERE tenant_id = $1 AND id = $2 AND next_poll_at_ms > $3"};
constexpr Statement kDue{"feeds.due",
                         "SELECT id, tenant_id FROM feeds WHERE next_poll_at_ms <= $1"
                         " ORDER BY next_poll_at_ms LIMIT $2"};
constexpr Statement kBegin{"feeds.begin_poll",
                           "UPDATE feeds SET lease_epoch = $3, polling_since_ms = $4, trace = $5"
                           " WHERE tenant_id = $1 AND id = $2 AND lease_epoch <= $3"
                           " AND next_poll_at_ms <= $4"};
constexpr Statement kEnd{
    "feeds.end_poll",
    "UPDATE feeds SET polling_since_ms = NULL, last_polled_at_ms = $4, next_poll_at_ms = $5,"
    " failures = CASE WHEN $6 = '' THEN 0 ELSE failures + 1 END, error_code = NULLIF($6, ''),"
    " error_reason = $7, error_message = $8, error_hint = $9,"
    " title = COALESCE(NULLIF($10, ''), title), etag = CASE WHEN $6 = '' THEN $11 ELSE etag END,"
    " last_modified = CASE WHEN $6 = '' THEN $12 ELSE last_modified END"
    " WHERE tenant_id = $1 AND id = $2 AND lease_epoch = $3"};
constexpr Statement kFindItem{"feed_items.find",
                              "SELECT item_key, state, mark, video_id, reason, seen_at_ms"
                              " FROM feed_items WHERE tenant_id = $1 AND feed_id = $2"
                              " AND item_key = $3"};
constexpr Statement kPutItem{
    "feed_items.put",
    "INSERT INTO feed_items (tenant_id, feed_id, item_key, state, mark, video_id, reason,"
    " seen_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    " ON CONFLICT (feed_id, item_key) DO UPDATE SET state = excluded.state, mark = excluded.mark,"
    " video_id = excluded.video_id, reason = excluded.reason, seen_at_ms = excluded.seen_at_ms"};

std::optional<UtcMs> MaybeTime(const Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return UtcMs{row.Int(column)};
}

// The order of NRL_FEED_COLUMNS.
Feed ReadFeed(const Row& row) {
  Feed feed;
  feed.id = FeedId::FromTrusted(row.Text(0));
  feed.tenant = TenantId::FromTrusted(row.Text(1));
  feed.kind = row.Text(2);
  feed.locator = row.Text(3);
  feed.title = row.TextOrEmpty(4);
  feed.poll_interval_s = row.Int(5);
  feed.etag = row.Text(6);
  feed.last_modified = row.Text(7);
  feed.failures = row.Int(8);
  feed.polling = !row.IsNull(9);
  feed.last_polled_at = MaybeTime(row, 10);
  feed.next_poll_at = UtcMs{row.Int(11)};
  if (!row.IsNull(12)) {
    feed.error =
        jobs::JobError{row.Text(12), row.TextOrEmpty(13), row.TextOrEmpty(14), row.TextOrEmpty(15)};
  }
  feed.trace = row.Text(16);
  feed.created_at = UtcMs{row.Int(17)};
  feed.item_count = row.Int(18);
  return feed;
}

Error NoSuchFeed(const FeedId& feed) {
  return {ErrorCode::kNotFound,
          fmt::format("source {} does not exist", feed.str()),
          "the list of sources has those that do",
          {},
          {}};
}

}  // namespace

void FeedsConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("sources.folder_roots", &folder_roots,
               "folders below which folders may be watched; none: no folder may");
  binder.Field("sources.settle_ms", &settle_ms, {0, 86'400'000},
               "a watched file that did not change this long is taken in");
  binder.Field("sources.items_max", &items_max, {1, 100'000},
               "newest items of a feed that are looked at");
  binder.Field("sources.files_max", &files_max, {1, 10'000'000}, "files in a watched folder");
  binder.Field("sources.feed_bytes_max", &feed_bytes_max, {1'024, 1 << 30}, "largest feed, bytes");
  binder.Field("sources.feed_timeout_ms", &feed_timeout_ms, {1'000, 600'000},
               "how long fetching a feed may take");
  binder.Field("sources.look_every_ms", &look_every_ms, {10, 600'000},
               "how often a worker looks for polls that are due");
  binder.Field("sources.backoff_ms_max", &backoff_ms_max, {1'000, 30 * 86'400'000LL},
               "longest wait between polls that fail");
}

std::vector<std::string> FeedsConfig::Validate() const {
  std::vector<std::string> problems;
  for (const std::string& root : folder_roots) {
    if (!root.starts_with('/')) {
      problems.push_back(fmt::format("sources.folder_roots: '{}' is not an absolute path", root));
    }
  }
  return problems;
}

Result<std::string> CheckLocator(const Dialer& dialer, const FeedsConfig& config,
                                 const Feed& wanted) {
  if (wanted.kind == "folder") return CheckFolder(wanted.locator, config.folder_roots);
  NRL_TRY(platform::Url url, dialer.CheckUrl(wanted.locator));
  return std::move(url.text);
}

Result<Feed> CreateFeed(access::Tx& tx, const Feed& feed, Environment environment) {
  NRL_TRY(const Rows same, tx.Query(kFindLocator, tx.tenant(), feed.locator));
  if (!same.empty()) {
    return Fail(ErrorCode::kConflict,
                fmt::format("source {} follows this already", same[0].Text(0)),
                "poll that one, or delete it first");
  }
  const FeedId id = FeedId::New(environment);
  NRL_CHECK(tx.Execute(kInsert, id, tx.tenant(), feed.kind, feed.locator, feed.poll_interval_s,
                       environment.clock.Now()));
  return GetFeed(tx, id);
}

Result<Feed> GetFeed(access::Tx& tx, const FeedId& feed) {
  NRL_TRY(const Rows rows, tx.Query(kGet, tx.tenant(), feed));
  if (rows.empty()) return Fail(NoSuchFeed(feed));
  return ReadFeed(rows[0]);
}

Result<access::Page<Feed>> ListFeeds(access::Tx& tx, const access::PageRequest& page) {
  NRL_TRY(const Rows counted, tx.Query(kCount, tx.tenant()));
  NRL_TRY(const Rows rows, tx.Query(kPage, tx.tenant(), page.after, page.limit + 1, page.offset));
  std::vector<Feed> feeds;
  for (const Row& row : rows) feeds.push_back(ReadFeed(row));
  return access::CutPage(std::move(feeds), page, counted[0].Int(0),
                         [](const Feed& feed) { return feed.id.str(); });
}

Result<std::vector<Feed>> FeedsPolledSince(access::Tx& tx, UtcMs since, int limit) {
  NRL_TRY(const Rows rows, tx.Query(kPolledSince, tx.tenant(), since, limit));
  std::vector<Feed> feeds;
  for (const Row& row : rows) feeds.push_back(ReadFeed(row));
  return feeds;
}

Status DeleteFeed(access::Tx& tx, const FeedId& feed) {
  NRL_CHECK(tx.Execute(kDeleteItems, tx.tenant(), feed));
  NRL_TRY(const int64_t deleted, tx.Execute(kDelete, tx.tenant(), feed));
  if (deleted == 0) return Fail(NoSuchFeed(feed));
  return {};
}

Status MakeDue(access::Tx& tx, const FeedId& feed, UtcMs now) {
  NRL_CHECK(GetFeed(tx, feed));
  NRL_CHECK(tx.Execute(kMakeDue, tx.tenant(), feed, now));
  return {};
}

Result<std::vector<DueFeed>> DueFeeds(access::Tx& tx, UtcMs now, int limit) {
  NRL_TRY(const Rows rows, tx.Query(kDue, now, limit));
  std::vector<DueFeed> due;
  for (const Row& row : rows) {
    due.push_back({FeedId::FromTrusted(row.Text(0)), TenantId::FromTrusted(row.Text(1))});
  }
  return due;
}

Result<std::optional<Feed>> BeginPoll(access::Tx& tx, const FeedId& feed, int64_t epoch,
                                      UtcMs now) {
  NRL_TRY(const int64_t begun, tx.Execute(kBegin, tx.tenant(), feed, epoch, now, tx.scope().trace));
  if (begun == 0) return std::nullopt;
  return GetFeed(tx, feed);
}

Status EndPoll(access::Tx& tx, const FeedId& feed, const PollEnd& end) {
  const Error none;
  const Error& error = end.error ? *end.error : none;
  const std::string_view code = end.error ? ToString(error.code) : "";
  NRL_CHECK(tx.Execute(kEnd, tx.tenant(), feed, end.epoch, end.now, end.next_poll_at, code,
                       error.reason, error.message, error.hint, end.title, end.etag,
                       end.last_modified));
  return {};
}

Result<std::optional<FoundItem>> FindItem(access::Tx& tx, const FeedId& feed,
                                          const std::string& key) {
  NRL_TRY(const Rows rows, tx.Query(kFindItem, tx.tenant(), feed, key));
  if (rows.empty()) return std::nullopt;
  const Row& row = rows[0];
  FoundItem item{row.Text(0), row.Text(1), row.Text(2), {}, row.TextOrEmpty(4), {row.Int(5)}};
  if (!row.IsNull(3)) item.video = VideoId::FromTrusted(row.Text(3));
  return item;
}

Status PutItem(access::Tx& tx, const FeedId& feed, const FoundItem& item) {
  const platform::SqlValue video =
      item.video ? platform::SqlValue(item.video->str()) : platform::SqlValue();
  NRL_CHECK(tx.Execute(kPutItem, tx.tenant(), feed, item.key, item.state, item.mark, video,
                       item.reason, item.seen_at));
  return {};
}

}  // namespace narralytica::source
