// Search: a query in, cited segments out, with what ran and what did not.
//
// Place in the flow: the API and the command line call Search; it asks one reader of the index, and
// the engine for the query's vector. Owns the query language, the ranking and the reply's shape.
//
// What it guarantees:
//  * A reply says what ran: every leg with its reason, the index's generation and change number.
//    A leg that is down makes the reply `degraded`, never silently different.
//  * Only the tenant's segments; only segments that the filters and binding operators allow.
//  * The same index, query and model give the same order; paging neither repeats nor skips.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "index/embedder.hpp"
#include "index/index.hpp"
#include "search/query_plan.hpp"

namespace narralytica::search {

inline constexpr uint32_t kLimitDefault = 10;
inline constexpr uint32_t kLimitMax = 100;
inline constexpr uint32_t kOffsetMax = 10'000;

enum class Mode : uint8_t { kLexical, kSemantic, kHybrid };
std::string_view ToString(Mode mode);
Result<Mode> ParseMode(std::string_view text);

struct SearchRequest {
  TenantId tenant;
  std::string query;
  Mode mode = Mode::kHybrid;
  index::Filter filter;  // joined with the fields of the query; both must hold
  uint32_t limit = kLimitDefault;
  uint32_t offset = 0;
  std::string cursor;  // `next_cursor` of an earlier reply; takes the place of `offset`
  // Hits this many segments apart or less are one passage, shown by its best segment; 0 shows
  // every segment.
  uint32_t passage_spacing = 2;
};

struct Highlight {
  std::string field;  // "text" or "title"
  std::string text;   // HTML, matched words in <mark>
};

struct Score {
  float combined = 0;
  std::optional<float> lexical;
  std::optional<float> vector;
  std::optional<uint32_t> lexical_rank;  // from 1
  std::optional<uint32_t> vector_rank;
};

// A word of a recording, as the transcript stores it.
struct SpokenWord {
  TimeRange range;
  std::string text;
};

struct SearchHit {
  index::FoundSegment found;
  std::vector<Highlight> highlights;
  Score score;
  std::vector<SpokenWord> matched_words;        // empty without a source of words
  std::vector<index::FoundSegment> neighbours;  // the segments right before and after, in order
};

struct Leg {
  std::string name;  // "lexical" or "vector"
  bool ran = false;
  std::string reason;  // why it did not run, or what its result lacks
  int64_t took_ms = 0;
  uint64_t candidates = 0;
  std::string model;  // of the vector leg
};

struct SearchReply {
  std::vector<SearchHit> items;
  uint32_t limit = 0;
  uint32_t offset = 0;
  uint64_t total = 0;
  bool total_is_exact = true;  // else there are at least `total`
  std::string next_cursor;     // empty at the end
  int64_t took_ms = 0;         // the whole search; set by whoever called it
  std::vector<Leg> legs;
  std::string generation;
  int64_t as_of_seq = 0;
  std::optional<int64_t> lag_ms;
  bool degraded = false;
  std::vector<Correction> corrections;
};

// The body of `POST /search`, as the wire contract has it.
nlohmann::json ToJson(const SearchReply& reply);

// Where matched words get their times from. Returns the words spoken in a segment, in order.
using WordSource = std::function<Result<std::vector<SpokenWord>>(const index::FoundSegment&)>;
// How far the index lags behind the change number that was committed, in milliseconds.
using LagSource = std::function<std::optional<int64_t>(int64_t as_of_seq)>;

struct SearcherParts {
  index::Index& index;
  index::Embedder* embedder = nullptr;  // null: the vector leg is not set up
  WordSource words = {};
  LagSource lag = {};
};

// Thread-safe.
class Searcher {
 public:
  explicit Searcher(SearcherParts parts) : parts_(std::move(parts)) {}
  // kInvalid for a bad query, filter, page or cursor; kUnavailable when the mode is semantic and
  // the vector leg is down; the index's errors.
  Result<SearchReply> Search(const SearchRequest& request, const Deadline& deadline) const;

 private:
  SearcherParts parts_;
};

}  // namespace narralytica::search
