// From a parsed query to what the legs search for: analysed terms in every language that the
// tenant's segments have, expanded prefixes, mistyped words replaced by near ones.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "index/index.hpp"
#include "search/highlight.hpp"
#include "search/query.hpp"

namespace narralytica::search {

inline constexpr size_t kPrefixWordsMax = 64;  // most frequent words a prefix stands for
inline constexpr size_t kPrefixWordsSeenMax = 20'000;
inline constexpr size_t kSimilarWordsMax = 8;  // words that replace a mistyped one
inline constexpr size_t kSimilarWordsSeenMax = 50'000;
inline constexpr size_t kPhraseWordsMax = 16;
inline constexpr size_t kQueryLanguagesMax = 8;  // the tenant's most frequent ones

struct Correction {
  std::string from;             // as typed
  std::vector<std::string> to;  // words of the index that were looked for instead
};

struct QueryPlan {
  index::TextQuery text;      // for the lexical leg
  bool binding = false;       // `text` decides what may be found, in every leg
  std::string semantic_text;  // the wanted words, for the vector leg
  Matcher matcher;            // for highlights
  std::vector<Correction> corrections;
};

// `filter` is the whole filter of the search. kInvalid when no word is left to look for; the
// reader's errors.
Result<QueryPlan> PlanQuery(const ParsedQuery& query, const index::Filter& filter,
                            index::Reader& reader);

// Optimal string alignment distance in code points (insert, delete, replace, swap neighbours), or
// limit + 1 when it is larger than `limit`.
int EditDistance(std::string_view a, std::string_view b, int limit);

}  // namespace narralytica::search
