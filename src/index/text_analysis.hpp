// Text analysis: how words of a text become the terms of an index, the same for every index engine.
//
// Place in the flow: the index writer analyses each segment, search analyses the query, highlights
// analyse the text again to find where the words stand. All three must agree, so the analysis
// names itself (AnalysisHash) and an index refuses to be read with another one.
//
// A word goes through: word boundaries of Unicode (UAX #29) with ICU's dictionaries for Chinese,
// Japanese, Thai, Lao, Khmer and Burmese; NFKC case folding; elided articles cut off (French,
// Italian, Catalan: "l'homme" is "homme"); then on the one hand the *exact* form (accents folded),
// on the other the *stem* (Snowball algorithm of the language, then accents folded). Accents are
// folded on Latin and Greek letters only, and not on the letters that Nordic and Baltic-Finnic
// alphabets count as their own; the Arabic and Hebrew vowel marks and Cyrillic yo are folded too.
//
// Thread-safe: break iterators and stemmers are cached per thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace narralytica::index {

struct Token {
  uint32_t begin = 0;  // byte offsets into the original text, [begin, end)
  uint32_t end = 0;
  uint32_t position = 0;  // number of the word in its text, from 0
  std::string exact;      // folded form, for phrases, prefixes and exact words
  std::string stem;       // equals `exact` in a language without a stemmer
};

// A longer word is cut, at a code point, before it is folded.
inline constexpr size_t kTokenBytesMax = 64;

// `language` is an ISO 639-1 code, case and region ignored ("pt-BR" is "pt"); empty or unknown
// means no stemming. Invalid UTF-8 never fails: the bad bytes are not part of any word.
std::vector<Token> Analyze(std::string_view text, std::string_view language);

// The stem of one word that is already in its exact form.
std::string StemOf(std::string_view exact, std::string_view language);

// True for a word, in exact form, so common in the language that a query loses nothing without it.
bool IsStopWord(std::string_view exact, std::string_view language);

// The base code of a language tag, lower case: "pt" for "pt-BR"; empty stays empty.
std::string BaseLanguage(std::string_view language);

// SHA-256 over everything that decides the terms: our own rules' version, ICU, Unicode, stemmers.
const std::string& AnalysisHash();

}  // namespace narralytica::index
