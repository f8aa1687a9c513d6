// One search, for the API and the command line: the searcher on this installation's index, with
// words from stored transcripts, and without recordings that were deleted a moment ago.
#pragma once

#include "access/tx.hpp"
#include "index/embedder.hpp"
#include "platform/objects/objects.hpp"
#include "search/searcher.hpp"
#include "transcript/word_cache.hpp"

namespace narralytica::api {

struct SearchParts {
  platform::Database& database;
  platform::ObjectStore& objects;
  index::Index& index;
  index::Embedder& embedder;
  transcript::WordCache& words;
  Environment environment;
};

// `request.tenant` is the scope's. The searcher's errors.
Result<search::SearchReply> RunSearch(const SearchParts& parts, const access::Scope& scope,
                                      search::SearchRequest request, const Deadline& deadline);

// Time since the oldest change that an index as of `as_of_seq` does not hold; nullopt when that
// cannot be told.
std::optional<int64_t> IndexLagMs(platform::Database& database, const Clock& clock,
                                  int64_t as_of_seq);

}  // namespace narralytica::api
