// The query language: words, "phrases", AND OR NOT ( ), prefix*, and fields.
//
//     query   = list { "OR" list }
//     list    = both { both }               words side by side
//     both    = unary { "AND" unary }
//     unary   = "NOT" unary | primary
//     primary = "(" query ")" | phrase | field | word [ "*" ]
//     phrase  = '"' text '"'                also with typographic quotes
//     field   = ("video" | "lang" | "after" | "before" | "speaker" | "topic" | "cefr") ":" value
//
// A speaker is a name, a part of its words, a label ("Speaker 1"), or an id.
// What it means: words side by side are alternatives, and the more of them a segment has the better
// it ranks; phrases, groups, AND and NOT bind, in every search mode. Fields narrow the whole
// query; they stand at its top level only. Operators are upper case.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "index/index.hpp"

namespace narralytica::search {

inline constexpr size_t kQueryBytesMax = 1024;
inline constexpr size_t kQueryClausesMax = 64;  // words, phrases and operators
inline constexpr size_t kQueryDepthMax = 8;     // nested parentheses and NOTs
inline constexpr size_t kPrefixLettersMin = 2;

struct QueryNode {
  enum class Kind : uint8_t {
    kWord,    // `text`: as typed; may hold several words of the analysis ("follow-up")
    kPrefix,  // `text`, without the star
    kPhrase,  // `text`, without the quotes
    kList,    // parts side by side
    kAnd,
    kOr,
    kNot,  // of parts[0]; stands in a list or an AND beside something positive
  };
  Kind kind = Kind::kList;
  std::string text;
  std::vector<QueryNode> parts;
};

struct ParsedQuery {
  QueryNode root;
  index::Filter filter;  // of the fields
};

// kInvalid, with the position (characters, from 1) and what to do, for a query that is empty, too
// long, too deep, or malformed; for a field whose layer does not exist yet.
Result<ParsedQuery> ParseQuery(std::string_view text);

}  // namespace narralytica::search
