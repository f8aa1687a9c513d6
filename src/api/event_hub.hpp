// Server-Sent Events: tells listeners that a job, a recording or the index changed.
//
// Place in the flow: one thread looks at the tables twice a second while anybody listens, compares
// with what it told last, and keeps the newest events for clients that come back. Events are hints
// to read again, not a log (that is the change feed): what happened while nobody listened is not
// told. At most one event a look for one job, so at most two a second. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "access/tx.hpp"
#include "index/index.hpp"
#include "jobs/queue.hpp"
#include "platform/log.hpp"

namespace narralytica::api {

struct EventHubParts {
  platform::Database& database;
  jobs::Queue& queue;
  index::Index& index;
  Environment environment;
  platform::Logger log;
};

struct Listening {
  TenantId tenant;
  std::optional<VideoId> video;  // only events about this recording
  std::string last_event_id;     // of an earlier connection; "" on the first
  std::string correlation_id;
};

class EventHub {
 public:
  explicit EventHub(EventHubParts parts);
  ~EventHub();
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // One listener's stream of frames, ready to send; ends after a quarter of an hour, so that who
  // may no longer listen is found out. Not thread-safe.
  class Listener {
   public:
    // "" when there is nothing new; nullopt at the end. Never blocks.
    std::optional<std::string> Next();
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

   private:
    friend class EventHub;
    Listener(EventHub& hub, Listening listening) : hub_(hub), listening_(std::move(listening)) {}
    EventHub& hub_;
    const Listening listening_;
    uint64_t next_ = 0;  // the number of the next event to give
    int64_t end_boot_ms_ = 0;
    std::string opening_;
  };
  // kUnavailable when too many listen.
  Result<std::shared_ptr<Listener>> Listen(Listening listening);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace narralytica::api
