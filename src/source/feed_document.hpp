// Reads a podcast's feed: RSS 2.0 (https://www.rssboard.org/rss-specification) or Atom (RFC 4287).
//
// The text is a stranger's. It is parsed by expat as a stream, without a document type, entities of
// its own or anything outside it; depth, items and texts are bounded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace narralytica::source {

struct FeedItem {
  std::string guid;  // what the feed tells its items apart by; "" when it does not
  std::string title;
  std::optional<UtcMs> published_at;
  std::string enclosure_url;  // as written, perhaps relative
  std::string enclosure_type;

  // What it is recognised by: its guid, else its enclosure.
  const std::string& identity() const { return guid.empty() ? enclosure_url : guid; }
};

struct FeedDocument {
  std::string title;
  // Those with a recording, as they stand in the feed: usually the newest first.
  std::vector<FeedItem> items;
};

// At most `items_max` items, the first ones. kInvalid with reason "feed_unreadable" for what is no
// feed, or has a document type.
Result<FeedDocument> ParseFeed(std::string_view text, size_t items_max);

}  // namespace narralytica::source
