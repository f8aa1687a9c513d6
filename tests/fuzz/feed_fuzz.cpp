// A feed's document, as a stranger's server gives it.
#include "base/utf8.hpp"
#include "source/feed_document.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kItemsMax = 20;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto feed = source::ParseFeed(text, kItemsMax);
  if (!feed) return 0;
  NRL_ASSERT(feed->items.size() <= kItemsMax && IsUtf8(feed->title));
  for (const source::FeedItem& item : feed->items) {
    NRL_ASSERT(!item.enclosure_url.empty() && !item.identity().empty());
    NRL_ASSERT(IsUtf8(item.title) && IsUtf8(item.guid));
  }
  return 0;
}
