#include "media/follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/hash.hpp"
#include "jobs/lease.hpp"
#include "media/clean_text.hpp"
#include "source/feed_document.hpp"
#include "source/watched_folder.hpp"

namespace narralytica::media {
namespace {

using source::Feed;
using source::FoundItem;

constexpr int kDueMax = 100;
constexpr int64_t kLeaseMs = 120'000;
constexpr int64_t kRenewMs = 30'000;
constexpr int kDoublingsMax = 16;
constexpr size_t kTitleBytesMax = 500;
constexpr size_t kGuidBytesMax = 1'000;
constexpr const char* kAccept =
    "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5";

// What a poll found out, beside the items.
struct Polled {
  std::string title, etag, last_modified;
  bool unsettled = false;  // a file may still grow: look again soon
};

// One poll of one feed, under its lease.
class Poll {
 public:
  Poll(const FollowerParts& parts, Feed feed, jobs::NamedLease lease, std::stop_token stop)
      : parts_(parts),
        feed_(std::move(feed)),
        lease_(std::move(lease)),
        scope_{feed_.tenant, "follower:" + parts.holder, feed_.trace},
        stop_(std::move(stop)),
        leased_boot_ms_(parts.environment.clock.BootMs()) {}

  Result<Polled> Run() { return feed_.kind == "folder" ? RunFolder() : RunFeed(); }

 private:
  Result<Polled> RunFeed() {
    source::FetchRequest request{.url = feed_.locator, .headers = {{"Accept", kAccept}}};
    if (!feed_.etag.empty()) request.headers.emplace_back("If-None-Match", feed_.etag);
    if (!feed_.last_modified.empty()) {
      request.headers.emplace_back("If-Modified-Since", feed_.last_modified);
    }
    request.body_bytes_max = parts_.config.feed_bytes_max;
    const auto limit = std::chrono::milliseconds(parts_.config.feed_timeout_ms);
    NRL_TRY(const source::FetchReply reply,
            parts_.dialer.Fetch(request, Deadline::In(limit, stop_)));
    Polled polled{{}, feed_.etag, feed_.last_modified};
    if (reply.head.status == 304) return polled;
    NRL_TRY(const source::FeedDocument document,
            source::ParseFeed(reply.body, static_cast<size_t>(parts_.config.items_max)));
    // The oldest first, so that recordings are numbered in the order they came out.
    for (auto item = document.items.rbegin(); item != document.items.rend(); ++item) {
      NRL_CHECK(KeepLease());
      NRL_CHECK(TakeItem(*item, reply.url));
    }
    polled.title = CleanText(document.title, kTitleBytesMax);
    // Only when all of it was taken in may the next poll be spared.
    polled.etag = std::string(reply.head.Find("etag").value_or(""));
    polled.last_modified = std::string(reply.head.Find("last-modified").value_or(""));
    return polled;
  }

  Status TakeItem(const source::FeedItem& item, const std::string& base) {
    const std::string key = Sha256Hex(item.identity());
    NRL_TRY(const auto known, access::Read(parts_.database, scope_, [&](access::Tx& tx) {
              return source::FindItem(tx, feed_.id, key);
            }));
    if (known) return {};
    const auto resolved = platform::ResolveUrl(base, item.enclosure_url);
    const auto url = parts_.dialer.CheckUrl(resolved ? *resolved : item.enclosure_url);
    if (!url) return Refuse({key, "refused", {}, {}, url.error().reason, Now()});
    IntakeRequest request;
    request.kind = "external_url";
    request.locator = url->text;
    request.title = CleanText(item.title, kTitleBytesMax);
    request.published_at = item.published_at;
    request.metadata = {{"feed", feed_.locator}, {"guid", CleanText(item.guid, kGuidBytesMax)}};
    const auto accepted = parts_.intake.AcceptUrl(scope_, request, HooksFor(key, {}, {}));
    if (!accepted) return Fail(accepted);
    return {};
  }

  Result<Polled> RunFolder() {
    NRL_TRY(const std::string folder,
            source::CheckFolder(feed_.locator, parts_.config.folder_roots));
    NRL_TRY(const auto files,
            source::ListFolder(folder, parts_.config.files_max, Deadline::Never(stop_)));
    Polled polled;
    for (const source::FolderFile& file : files) {
      NRL_CHECK(KeepLease());
      NRL_TRY(const bool settled, TakeFile(folder, file));
      polled.unsettled |= !settled;
    }
    return polled;
  }

  // False while the file may still grow.
  Result<bool> TakeFile(const std::string& folder, const source::FolderFile& file) {
    const std::string key = Sha256Hex(file.path);
    NRL_TRY(const auto known, access::Read(parts_.database, scope_, [&](access::Tx& tx) {
              return source::FindItem(tx, feed_.id, key);
            }));
    const bool same = known && known->mark == file.mark;
    if (same && known->state != "seen") return true;
    const int64_t still_ms =
        same ? Now().value - std::max(known->seen_at.value, file.changed_ms) : 0;
    if (!same || still_ms < parts_.config.settle_ms) {
      if (!same) NRL_CHECK(Refuse({key, "seen", file.mark, {}, {}, Now()}));
      return false;
    }
    auto opened = source::OpenInFolder(folder, file);
    if (!opened)
      return opened.error().code == ErrorCode::kConflict ? Result<bool>(false) : Fail(opened);
    IntakeRequest request;
    request.path = fmt::format("/proc/self/fd/{}", opened->get());
    request.locator = file.path.substr(file.path.find_last_of('/') + 1);
    request.metadata = {{"folder", feed_.locator}, {"path", CleanText(file.path, kGuidBytesMax)}};
    const auto unchanged = [&] { return source::CheckUnchanged(*opened, file); };
    const auto accepted =
        parts_.intake.AcceptFile(scope_, request, HooksFor(key, file.mark, unchanged));
    if (accepted) return true;
    const Error& error = accepted.error();
    if (error.reason == "file_changed") return false;
    if (error.code != ErrorCode::kInvalid && error.code != ErrorCode::kLimited) {
      return Fail(accepted);
    }
    NRL_CHECK(Refuse({key, "refused", file.mark, {}, error.reason, Now()}));
    return true;
  }

  // The item's row is written with the recording, or stands from an earlier poll of this version.
  IntakeHooks HooksFor(const std::string& key, const std::string& mark,
                       const std::function<Status()>& check) const {
    IntakeHooks hooks;
    hooks.earlier = [this, key, mark](access::Tx& tx) -> Result<std::optional<Accepted>> {
      NRL_TRY(const auto known, source::FindItem(tx, feed_.id, key));
      if (!known || !known->video || known->mark != mark) return std::nullopt;
      return Accepted{*known->video, JobId(), true, Known::kByExternalId};
    };
    hooks.accepted = [this, key, mark, check](access::Tx& tx, const Accepted& accepted) -> Status {
      if (check) NRL_CHECK(check());
      return source::PutItem(tx, feed_.id, {key, "taken", mark, accepted.video, {}, Now()});
    };
    return hooks;
  }

  Status Refuse(const FoundItem& item) {
    return access::Write(parts_.database, scope_,
                         [&](access::Tx& tx) { return source::PutItem(tx, feed_.id, item); });
  }

  Status KeepLease() {
    if (stop_.stop_requested()) return Fail(ErrorCode::kCanceled, "the worker stops");
    const int64_t now_boot_ms = parts_.environment.clock.BootMs();
    if (now_boot_ms - leased_boot_ms_ < kRenewMs) return {};
    NRL_TRY(const auto kept,
            jobs::TakeLease(parts_.database, parts_.environment, lease_, kLeaseMs));
    if (!kept || kept->epoch != lease_.epoch) {
      return Fail(ErrorCode::kCanceled, "another worker polls this");
    }
    leased_boot_ms_ = now_boot_ms;
    return {};
  }

  UtcMs Now() const { return parts_.environment.clock.Now(); }

  const FollowerParts& parts_;
  const Feed feed_;
  const jobs::NamedLease lease_;
  const access::Scope scope_;
  const std::stop_token stop_;
  int64_t leased_boot_ms_;
};

// Doubles with every failure in a row; up to a tenth later, so that not all come at once.
int64_t WaitMs(const FollowerParts& parts, const Feed& feed, const Result<Polled>& polled) {
  const int64_t interval_ms = feed.poll_interval_s * 1'000;
  if (polled) {
    return polled->unsettled ? std::min(interval_ms, parts.config.settle_ms + 1'000) : interval_ms;
  }
  const int64_t doublings = std::min<int64_t>(feed.failures, kDoublingsMax);
  const int64_t longest_ms = std::max(interval_ms, parts.config.backoff_ms_max);
  const int64_t wait_ms = std::min(longest_ms, interval_ms << doublings);
  return wait_ms + static_cast<int64_t>(
                       parts.environment.random.Below(static_cast<uint64_t>(wait_ms / 10 + 1)));
}

Status PollOne(const FollowerParts& parts, const source::DueFeed& due,
               const jobs::NamedLease& lease, const std::stop_token& stop) {
  const access::Scope scope{due.tenant, "follower:" + parts.holder, NewUuid(parts.environment)};
  NRL_TRY(const auto feed, access::Write(parts.database, scope, [&](access::Tx& tx) {
            return source::BeginPoll(tx, due.id, lease.epoch, parts.environment.clock.Now());
          }));
  if (!feed) return {};
  const auto polled = Poll(parts, *feed, lease, stop).Run();
  const platform::Logger log = parts.log.With("source", due.id.str());
  source::PollEnd end;
  end.epoch = lease.epoch;
  end.now = parts.environment.clock.Now();
  if (!polled && polled.error().code == ErrorCode::kCanceled) return {};  // due as it was
  end.next_poll_at = UtcMs{end.now.value + WaitMs(parts, *feed, polled)};
  if (polled) {
    end.title = polled->title;
    end.etag = polled->etag;
    end.last_modified = polled->last_modified;
    log.Info("polled");
  } else {
    end.error = polled.error();
    log.Warn("poll failed", {{"reason", polled.error().reason}, {"why", polled.error().message}});
  }
  return access::Write(parts.database, scope,
                       [&](access::Tx& tx) { return source::EndPoll(tx, due.id, end); });
}

}  // namespace

Result<int> PollDueFeeds(const FollowerParts& parts, const std::stop_token& stop) {
  NRL_TRY(const auto due,
          access::Read(parts.database, access::SystemScope(parts.holder), [&](access::Tx& tx) {
            return source::DueFeeds(tx, parts.environment.clock.Now(), kDueMax);
          }));
  int count = 0;
  for (const source::DueFeed& feed : due) {
    if (stop.stop_requested()) break;
    NRL_TRY(const auto lease,
            jobs::TakeLease(parts.database, parts.environment,
                            {"feed:" + feed.id.str(), parts.holder, 0}, kLeaseMs));
    if (!lease) continue;
    const Status polled = PollOne(parts, feed, *lease, stop);
    NRL_CHECK(jobs::DropLease(parts.database, *lease));
    NRL_CHECK(polled);
    ++count;
  }
  return count;
}

Follower::Follower(FollowerParts parts)
    : thread_([parts = std::move(parts)](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
          const auto polled = PollDueFeeds(parts, stop);
          if (!polled) parts.log.Error("cannot poll the sources", polled.error());
          wake.wait_for(lock, stop, std::chrono::milliseconds(parts.config.look_every_ms),
                        [] { return false; });
        }
      }) {}

}  // namespace narralytica::media
