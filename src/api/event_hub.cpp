#include "api/event_hub.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "api/search_service.hpp"
#include "api/video_view.hpp"
#include "api/wire.hpp"
#include "jobs/changes.hpp"
#include "jobs/job_lists.hpp"
#include "media/video_list.hpp"

namespace narralytica::api {
namespace {

constexpr std::chrono::milliseconds kLook{500};
constexpr size_t kKeptMax = 2'000;
constexpr size_t kListenersMax = 500;
constexpr size_t kToldMax = 20'000;
constexpr int kRowsMax = 500;
constexpr int64_t kListenMs = 15 * 60'000;
constexpr size_t kFramesBytesMax = 256 * 1024;

struct Event {
  TenantId tenant;
  std::optional<VideoId> video;  // whom it is about
  std::string frame;
};

// What was told last about each thing, so that only news is told.
class Told {
 public:
  // Whether this is news.
  bool Put(const std::string& what, const std::string& said) {
    if (told_.size() > kToldMax) told_.clear();
    std::string& last = told_[what];
    if (last == said) return false;
    last = said;
    return true;
  }

 private:
  std::map<std::string, std::string> told_;
};

struct TenantWatch {
  int listeners = 0;
  UtcMs since;  // changes from here on are looked at
  Told told;
};

}  // namespace

class EventHub::Impl {
 public:
  explicit Impl(EventHubParts parts)
      : parts_(std::move(parts)),
        boot_(NewUuid(parts_.environment)),
        thread_([this](const std::stop_token& stop) { Watch(stop); }) {}

  Status Open(Listener& listener) {
    const Listening& listening = listener.listening_;
    const auto newest = access::Read(parts_.database, access::SystemScope("events"),
                                     [](access::Tx& tx) { return jobs::NewestSeq(tx); });
    if (!newest) return Fail(newest);
    const std::lock_guard lock(mutex_);
    if (listeners_ >= kListenersMax) {
      return Fail(ErrorCode::kUnavailable, "too many clients listen to events",
                  "ask for the resources themselves");
    }
    ++listeners_;
    TenantWatch& watch = watches_[listening.tenant];
    if (watch.listeners++ == 0) watch.since = parts_.environment.clock.Now();
    const uint64_t after_last = first_ + events_.size();
    const auto resume = NumberOf(listening.last_event_id);
    const bool resumed = resume && *resume + 1 >= first_ && *resume < after_last;
    listener.next_ = resumed ? *resume + 1 : after_last;
    listener.end_boot_ms_ = parts_.environment.clock.BootMs() + kListenMs;
    const std::string id =
        fmt::format("{}-{}", boot_, listener.next_ == 0 ? 0 : listener.next_ - 1);
    listener.opening_ = "retry: 2000\n\n" + Frame({"stream.opened", id, listening.correlation_id},
                                                  {{"resumed", resumed}, {"as_of_seq", *newest}});
    wake_.notify_all();
    return {};
  }

  void Close(const Listening& listening) {
    const std::lock_guard lock(mutex_);
    --listeners_;
    const auto watch = watches_.find(listening.tenant);
    if (--watch->second.listeners == 0) watches_.erase(watch);
  }

  std::optional<std::string> Next(Listener& listener) {
    if (!listener.opening_.empty()) return std::exchange(listener.opening_, {});
    if (parts_.environment.clock.BootMs() >= listener.end_boot_ms_) return std::nullopt;
    std::string frames;
    const std::lock_guard lock(mutex_);
    // A client that is too slow for what is kept must read everything again.
    if (listener.next_ < first_) return std::nullopt;
    for (; listener.next_ < first_ + events_.size(); ++listener.next_) {
      const Event& event = events_[listener.next_ - first_];
      const Listening& listening = listener.listening_;
      if (event.tenant != listening.tenant) continue;
      if (listening.video && event.video != listening.video) continue;
      frames += event.frame;
      if (frames.size() > kFramesBytesMax) {
        ++listener.next_;
        break;
      }
    }
    return frames;
  }

 private:
  struct Heading {
    std::string_view type;
    std::string id;
    std::string trace;
  };

  std::string Frame(const Heading& heading, const Json& payload) const {
    const Json event{
        {"id", heading.id},  {"type", heading.type},
        {"version", 1},      {"timestamp", FormatRfc3339(parts_.environment.clock.Now())},
        {"source", "api"},   {"correlation_id", OrNull(heading.trace.substr(0, 64))},
        {"payload", payload}};
    return fmt::format("event: {}\nid: {}\ndata: {}\n\n", heading.type, heading.id,
                       event.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  std::optional<uint64_t> NumberOf(const std::string& id) const {
    if (!id.starts_with(boot_ + "-")) return std::nullopt;
    const std::string_view text = std::string_view(id).substr(boot_.size() + 1);
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
  }

  void Watch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      wake_.wait(lock, stop, [this] { return listeners_ > 0; });
      std::vector<TenantId> tenants;
      tenants.reserve(watches_.size());
      for (const auto& [tenant, watch] : watches_) tenants.push_back(tenant);
      lock.unlock();
      for (const TenantId& tenant : tenants) {
        const Status looked = Look(tenant);
        if (!looked) parts_.log.Error("cannot look for events", looked.error());
      }
      lock.lock();
      wake_.wait_for(lock, stop, kLook, [] { return false; });
    }
  }

  // What a look found, before it is told.
  struct News {
    std::vector<jobs::Job> jobs;
    std::vector<std::pair<media::Video, std::vector<jobs::Job>>> videos;
    std::vector<source::Feed> sources;
    UtcMs newest;
  };

  Result<News> Find(const TenantId& tenant, UtcMs since) {
    const access::Scope scope{tenant, "events", {}};
    return access::Read(parts_.database, scope, [&](access::Tx& tx) -> Result<News> {
      News news;
      NRL_TRY(news.jobs, jobs::JobsUpdatedSince(tx, since, kRowsMax));
      NRL_TRY(const auto videos, media::VideosUpdatedSince(tx, since, kRowsMax));
      news.newest = since;
      std::map<VideoId, media::Video> touched;
      for (const media::Video& video : videos) {
        news.newest = std::max(news.newest, video.updated_at);
        touched.emplace(video.id, video);
      }
      for (const jobs::Job& job : news.jobs) {
        news.newest = std::max(news.newest, job.updated_at);
        if (touched.contains(job.video)) continue;
        const auto video = media::GetVideo(tx, job.video);
        if (video) touched.emplace(video->id, *video);
      }
      NRL_TRY(news.sources, source::FeedsPolledSince(tx, since, kRowsMax));
      for (const source::Feed& feed : news.sources) {
        news.newest = std::max(news.newest, feed.last_polled_at.value_or(since));
      }
      for (const auto& [id, video] : touched) {
        NRL_TRY(auto jobs, parts_.queue.OfVideo(tx, id));
        news.videos.emplace_back(video, std::move(jobs));
      }
      return news;
    });
  }

  Status Look(const TenantId& tenant) {
    UtcMs since;
    {
      const std::lock_guard lock(mutex_);
      const auto watch = watches_.find(tenant);
      if (watch == watches_.end()) return {};
      since = watch->second.since;
    }
    NRL_TRY(const News news, Find(tenant, since));
    NRL_TRY(const auto reader, parts_.index.Read(tenant));
    const index::ReaderInfo info = reader->info();
    const auto lag = IndexLagMs(parts_.database, parts_.environment.clock, info.as_of_seq);
    const UtcMs now = parts_.environment.clock.Now();
    const std::lock_guard lock(mutex_);
    const auto watch = watches_.find(tenant);
    if (watch == watches_.end()) return {};
    watch->second.since = news.newest;
    for (const jobs::Job& job : news.jobs) {
      Tell(tenant, job.video, {"job.updated", job.id.str(), job.trace}, JobJson(job));
    }
    for (const auto& [video, jobs] : news.videos) {
      Tell(tenant, video.id, {"video.updated", video.id.str(), {}},
           VideoUpdateJson(video, jobs, now));
    }
    for (const source::Feed& feed : news.sources) {
      const Json source = SourceJson(feed);
      if (watch->second.told.Put("source " + feed.id.str(), source.dump())) {
        Add(tenant, std::nullopt, {"source.updated", {}, feed.trace}, source);
      }
    }
    // The lag grows all the time; that it began or ended is news.
    const std::string state = fmt::format("{} {} {}", info.generation, info.as_of_seq,
                                          lag ? std::to_string(*lag > 0) : "");
    if (watch->second.told.Put("index", state)) {
      Add(tenant, std::nullopt, {"index.updated", {}, {}},
          {{"generation", OrNull(info.generation)},
           {"as_of_seq", info.as_of_seq},
           {"lag_ms", OrNull(lag)}});
    }
    return {};
  }

  // `heading.id` is what the event is about. Under mutex_.
  void Tell(const TenantId& tenant, const VideoId& video, Heading heading, const Json& payload) {
    const std::string what = fmt::format("{} {}", heading.type, heading.id);
    Json said = payload;
    said["progress"].erase("eta_ms");  // grows old by itself
    if (watches_.at(tenant).told.Put(what, said.dump())) {
      Add(tenant, video, std::move(heading), payload);
    }
  }

  void Add(const TenantId& tenant, std::optional<VideoId> video, Heading heading,
           const Json& payload) {
    heading.id = fmt::format("{}-{}", boot_, first_ + events_.size());
    events_.push_back({tenant, std::move(video), Frame(heading, payload)});
    if (events_.size() > kKeptMax) {
      events_.pop_front();
      ++first_;
    }
  }

  const EventHubParts parts_;
  const std::string boot_;  // ids of another process's events mean nothing here
  std::mutex mutex_;
  std::condition_variable_any wake_;
  size_t listeners_ = 0;
  std::map<TenantId, TenantWatch> watches_;
  std::deque<Event> events_;
  uint64_t first_ = 1;  // the number of events_[0]
  std::jthread thread_;
};

EventHub::EventHub(EventHubParts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}
EventHub::~EventHub() = default;

Result<std::shared_ptr<EventHub::Listener>> EventHub::Listen(Listening listening) {
  std::unique_ptr<Listener> listener(new Listener(*this, std::move(listening)));
  const Status opened = impl_->Open(*listener);
  if (!opened) {
    listener->end_boot_ms_ = -1;  // was never counted
    return Fail(opened);
  }
  return std::shared_ptr<Listener>(std::move(listener));
}

std::optional<std::string> EventHub::Listener::Next() { return hub_.impl_->Next(*this); }

EventHub::Listener::~Listener() {
  if (end_boot_ms_ >= 0) hub_.impl_->Close(listening_);
}

}  // namespace narralytica::api
