// Words so common in a language that a search query loses nothing without them.
#pragma once

#include <set>
#include <string_view>

namespace narralytica::index {

// In exact form (case and accents folded), for de en es fr it nl pt; empty for other languages.
// `language` is a base code. Our own lists: articles, pronouns, prepositions, conjunctions,
// auxiliary verbs and question words.
const std::set<std::string_view, std::less<>>& StopWords(std::string_view language);

}  // namespace narralytica::index
