// Paging of lists: by offset, or by a cursor that neither repeats nor skips when rows are added.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace narralytica::access {

inline constexpr int kPageLimitMax = 100;
inline constexpr int kPageOffsetMax = 10'000;

struct PageRequest {
  int limit = 20;
  int offset = 0;
  // The sort key of the last row seen, empty on the first page; takes the place of `offset`.
  std::string after;
};

template <typename T>
struct Page {
  std::vector<T> items;
  int64_t total = 0;  // of all pages
  std::string after;  // for the next request; empty at the end
};

// Cuts `rows`, read with a limit of one more than asked for, to the page. `key` gives a row's sort
// key.
template <typename T, typename Key>
Page<T> CutPage(std::vector<T> rows, const PageRequest& request, int64_t total, Key key) {
  Page<T> page{std::move(rows), total, {}};
  if (page.items.size() > static_cast<size_t>(request.limit)) {
    page.items.resize(static_cast<size_t>(request.limit));
    page.after = key(page.items.back());
  }
  return page;
}

// Cursors on the wire: base64url of the sort key. kInvalid for what no page gave.
std::string EncodeCursor(std::string_view after);
Result<std::string> DecodeCursor(std::string_view cursor);

}  // namespace narralytica::access
