// Which words of a text match a query, and how they are shown.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace narralytica::search {

// A matched word: byte offsets into the text, [begin, end).
using MatchedSpan = std::pair<uint32_t, uint32_t>;

// What counts as a match. Single words match by stem, exact form or prefix; the words of a phrase
// only when they stand together.
struct Matcher {
  std::set<std::string, std::less<>> stems;
  std::set<std::string, std::less<>> prefixes;    // exact forms' beginnings
  std::vector<std::vector<std::string>> phrases;  // exact forms

  // In order of the text, not overlapping.
  std::vector<MatchedSpan> FindIn(std::string_view text, std::string_view language) const;
};

// The text as HTML: escaped, each span between <mark> and </mark>.
std::string MarkUp(std::string_view text, const std::vector<MatchedSpan>& spans);

}  // namespace narralytica::search
