// What is followed: the `feeds` table (feeds and watched folders, `Source` on the wire) and the
// items that were found in them.
//
// A poll is due when next_poll_at has come. Who polls holds the named lease "feed:<id>" and writes
// its epoch into the row first (BeginPoll); the end of a poll is refused when another has begun
// since. Each item has a key; its row and the recording made of it are written in one transaction,
// so that an item comes once whatever dies in between.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "access/page.hpp"
#include "access/tx.hpp"
#include "jobs/job.hpp"
#include "platform/config.hpp"
#include "source/dialer.hpp"

namespace narralytica {
NRL_ID(FeedId, "source");
}  // namespace narralytica

namespace narralytica::source {

struct FeedsConfig {
  // Folders below which folders may be watched; none by default.
  std::vector<std::string> folder_roots;
  int64_t settle_ms = 10'000;  // a file unchanged this long is no longer being written
  int items_max = 1'000;       // newest items of a feed that are looked at
  int files_max = 100'000;     // in one watched folder
  int64_t feed_bytes_max = 16 << 20;
  int64_t feed_timeout_ms = 60'000;
  int64_t look_every_ms = 1'000;            // for polls that are due
  int64_t backoff_ms_max = 24 * 3'600'000;  // between polls that fail
  void Bind(platform::ConfigBinder& binder);
  std::vector<std::string> Validate() const;
};

struct Feed {
  FeedId id;
  TenantId tenant;
  std::string kind;     // "feed", "folder"
  std::string locator;  // URL or path
  std::string title;    // "" until read
  int64_t poll_interval_s = 900;
  std::string etag, last_modified;
  int64_t failures = 0;  // in a row
  bool polling = false;
  std::optional<UtcMs> last_polled_at;
  UtcMs next_poll_at;
  std::optional<jobs::JobError> error;  // of the last poll
  std::string trace;                    // of the last poll
  UtcMs created_at;
  int64_t item_count = 0;  // recordings taken in
};

// What is to be followed, in its one form, so that it is not followed twice: a URL that the dialer
// would fetch, or the real path of a folder that may be watched. Their errors.
Result<std::string> CheckLocator(const Dialer& dialer, const FeedsConfig& config,
                                 const Feed& wanted);
// kConflict when the tenant follows that locator already. It is due at once.
Result<Feed> CreateFeed(access::Tx& tx, const Feed& feed, Environment environment);
Result<Feed> GetFeed(access::Tx& tx, const FeedId& feed);
// Newest first.
Result<access::Page<Feed>> ListFeeds(access::Tx& tx, const access::PageRequest& page);
// Whose last poll ended, or present one began, at or after `since`.
Result<std::vector<Feed>> FeedsPolledSince(access::Tx& tx, UtcMs since, int limit);
// What was taken in from it stays.
Status DeleteFeed(access::Tx& tx, const FeedId& feed);
// Due now, unless it is sooner due or being polled.
Status MakeDue(access::Tx& tx, const FeedId& feed, UtcMs now);

// Of all tenants, the longest due first; in the system scope.
struct DueFeed {
  FeedId id;
  TenantId tenant;
};
Result<std::vector<DueFeed>> DueFeeds(access::Tx& tx, UtcMs now, int limit);

// Begins a poll: the feed as it is now; nullopt when it is no longer there or due.
Result<std::optional<Feed>> BeginPoll(access::Tx& tx, const FeedId& feed, int64_t epoch, UtcMs now);
struct PollEnd {
  int64_t epoch = 0;
  UtcMs now, next_poll_at;
  std::optional<Error> error;
  std::string title, etag, last_modified;  // "": as before
};
Status EndPoll(access::Tx& tx, const FeedId& feed, const PollEnd& end);

struct FoundItem {
  std::string key;
  std::string state;  // "seen": a file that may still grow; "taken"; "refused"
  std::string mark;   // of a file: what tells a version of it from another
  std::optional<VideoId> video;
  std::string reason;  // why it was refused
  UtcMs seen_at;
};
Result<std::optional<FoundItem>> FindItem(access::Tx& tx, const FeedId& feed,
                                          const std::string& key);
Status PutItem(access::Tx& tx, const FeedId& feed, const FoundItem& item);

}  // namespace narralytica::source
