// Follows feeds and watched folders: polls those that are due and takes in what is new.
//
// Every worker has one follower; a feed is polled by one at a time (jobs/lease.hpp), and by another
// when that one dies. An item that a feed names becomes an ingest job, which fetches it later; a
// file of a folder is copied in once it has stopped changing. What cannot be taken in (an address
// that is not fetched from, an empty file) is remembered as refused and holds nothing else up.
#pragma once

#include <stop_token>
#include <string>
#include <thread>

#include "media/intake.hpp"
#include "platform/log.hpp"
#include "source/dialer.hpp"
#include "source/feeds.hpp"

namespace narralytica::media {

struct FollowerParts {
  platform::Database& database;
  Environment environment;
  platform::Logger log;
  const source::Dialer& dialer;
  const Intake& intake;
  source::FeedsConfig config;
  std::string holder;  // of the leases: one name a follower
};

// Polls what is due now, one after the other; how many. What a poll meets is in its row.
Result<int> PollDueFeeds(const FollowerParts& parts, const std::stop_token& stop);

// Does that every sources.look_every_ms on a thread of its own, until it is destroyed.
class Follower {
 public:
  explicit Follower(FollowerParts parts);

 private:
  std::jthread thread_;
};

}  // namespace narralytica::media
