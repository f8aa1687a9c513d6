#include "index/text_analysis.hpp"

#include <fmt/format.h>
#include <libstemmer.h>
#include <unicode/brkiter.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "index/stop_words.hpp"

namespace narralytica::index {
namespace {

constexpr int kRulesVersion = 1;

const icu::Normalizer2& CaseFolding() {
  static const icu::Normalizer2& instance = [] -> const icu::Normalizer2& {
    UErrorCode status = U_ZERO_ERROR;
    const auto* found = icu::Normalizer2::getNFKCCasefoldInstance(status);
    NRL_ASSERT(U_SUCCESS(status));
    return *found;
  }();
  return instance;
}

const icu::Normalizer2& Decomposition() {
  static const icu::Normalizer2& instance = [] -> const icu::Normalizer2& {
    UErrorCode status = U_ZERO_ERROR;
    const auto* found = icu::Normalizer2::getNFDInstance(status);
    NRL_ASSERT(U_SUCCESS(status));
    return *found;
  }();
  return instance;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

std::string Normalize(const icu::Normalizer2& normalizer, std::string_view text) {
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  UErrorCode status = U_ZERO_ERROR;
  normalizer.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())),
                           sink, nullptr, status);
  NRL_ASSERT(U_SUCCESS(status));
  return out;
}

std::string FoldCase(std::string_view word) {
  if (!IsAscii(word)) {
    std::string folded = Normalize(CaseFolding(), word);
    // U+2019, the typographic apostrophe.
    for (size_t at; (at = folded.find("\u2019")) != std::string::npos;) folded.replace(at, 3, "'");
    return folded;
  }
  std::string folded(word);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return folded;
}

void Append(std::string& text, UChar32 c) {
  char buffer[U8_MAX_LENGTH];
  int32_t length = 0;
  U8_APPEND_UNSAFE(buffer, length, c);
  text.append(buffer, static_cast<size_t>(length));
}

// Letters with marks that an alphabet counts as letters of their own.
bool KeepsOwnLetters(std::string_view language) {
  static constexpr std::array<std::string_view, 8> kLanguages{"sv", "fi", "da", "no",
                                                              "nb", "nn", "et", "is"};
  return std::find(kLanguages.begin(), kLanguages.end(), language) != kLanguages.end();
}

UChar32 FoldLetter(UChar32 c) {
  switch (c) {
    case 0x00F8:
      return 'o';  // o with stroke
    case 0x0142:
      return 'l';  // l with stroke
    case 0x0111:
      return 'd';  // d with stroke
    case 0x0131:
      return 'i';  // dotless i
    case 0x0451:
      return 0x0435;  // Cyrillic yo
    default:
      return c;
  }
}

bool IsOwnLetter(UChar32 c) {
  // a-ring, ae, a and o with diaeresis, o with stroke, o with tilde, eth, thorn
  static constexpr std::array<UChar32, 8> kLetters{0xE5, 0xE6, 0xE4, 0xF6, 0xF8, 0xF5, 0xF0, 0xFE};
  return std::find(kLetters.begin(), kLetters.end(), c) != kLetters.end();
}

bool HasFoldedMarks(UChar32 base) {
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(base, &status);
  return script == USCRIPT_LATIN || script == USCRIPT_GREEK || script == USCRIPT_ARABIC ||
         script == USCRIPT_HEBREW;
}

std::string FoldAccents(std::string_view word, std::string_view language) {
  if (IsAscii(word)) return std::string(word);
  const bool keeps = KeepsOwnLetters(language);
  const auto* bytes = reinterpret_cast<const uint8_t*>(word.data());
  const auto size = static_cast<int32_t>(word.size());
  std::string out;
  UChar32 base = 0;
  for (int32_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT(bytes, i, size, c);
    if (c < 0) continue;
    if (c == 0xE6 && !keeps) {  // the ligatures ae and oe have no decomposition
      out += "ae";
      continue;
    }
    if (c == 0x153) {
      out += "oe";
      continue;
    }
    icu::UnicodeString parts(c);
    const bool own_letter = keeps && IsOwnLetter(c);
    if (!own_letter && HasFoldedMarks(c)) Decomposition().getDecomposition(c, parts);
    for (int32_t k = 0; k < parts.length(); k = parts.moveIndex32(k, 1)) {
      const UChar32 part = parts.char32At(k);
      const bool mark = u_charType(part) == U_NON_SPACING_MARK;
      if (mark && HasFoldedMarks(base)) continue;
      if (!mark) base = part;
      Append(out, own_letter ? part : FoldLetter(part));
    }
  }
  return out;
}

struct StemmerDelete {
  void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};

// The stemmer of a language; null where Snowball has none.
sb_stemmer* StemmerFor(std::string_view language) {
  thread_local std::map<std::string, std::unique_ptr<sb_stemmer, StemmerDelete>, std::less<>> cache;
  const auto found = cache.find(language);
  if (found != cache.end()) return found->second.get();
  static constexpr size_t kCachedLanguagesMax = 64;
  if (cache.size() >= kCachedLanguagesMax) cache.clear();
  std::string code(language == "nb" || language == "nn" ? "no" : language);
  sb_stemmer* stemmer = code.size() == 2 ? sb_stemmer_new(code.c_str(), "UTF_8") : nullptr;
  return cache.emplace(std::string(language), stemmer).first->second.get();
}

// Snowball's Portuguese stemmer leaves the plural -oes of nouns in -ao apart from its singular.
std::string PortugueseSingular(std::string_view folded) {
  constexpr std::string_view kPlural = "\u00F5es";
  if (!folded.ends_with(kPlural)) return std::string(folded);
  return std::string(folded.substr(0, folded.size() - kPlural.size())) + "\u00E3o";
}

std::string Stem(std::string_view word, std::string_view language) {
  const std::string folded = language == "pt" ? PortugueseSingular(word) : std::string(word);
  sb_stemmer* stemmer = StemmerFor(language);
  if (stemmer == nullptr) return FoldAccents(folded, language);
  const auto* bytes = reinterpret_cast<const sb_symbol*>(folded.data());
  const sb_symbol* stemmed = sb_stemmer_stem(stemmer, bytes, static_cast<int>(folded.size()));
  if (stemmed == nullptr) return FoldAccents(folded, language);
  const std::string_view stem(reinterpret_cast<const char*>(stemmed),
                              static_cast<size_t>(sb_stemmer_length(stemmer)));
  return FoldAccents(stem.empty() ? folded : stem, language);
}

icu::BreakIterator& WordBreaks() {
  thread_local std::unique_ptr<icu::BreakIterator> breaks = [] {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<icu::BreakIterator> made(
        icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
    NRL_ASSERT(U_SUCCESS(status));
    return made;
  }();
  return *breaks;
}

// Length of an elided article at the start of a folded word, its apostrophe included; 0 if none.
size_t ElisionBytes(std::string_view folded, std::string_view language) {
  static constexpr std::array<std::string_view, 13> kFrench{
      "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu"};
  static constexpr std::array<std::string_view, 16> kItalian{
      "l",    "d", "un", "dell", "all", "dall", "nell", "sull",
      "coll", "c", "gl", "m",    "t",   "s",    "v",    "quell"};
  static constexpr std::array<std::string_view, 6> kCatalan{"l", "d", "m", "t", "s", "n"};
  const size_t apostrophe = folded.find('\'');
  if (apostrophe == std::string_view::npos || apostrophe + 1 == folded.size()) return 0;
  const std::string_view article = folded.substr(0, apostrophe);
  const auto listed = [&](const auto& list) {
    return std::find(list.begin(), list.end(), article) != list.end();
  };
  const bool elided = (language == "fr" && listed(kFrench)) ||
                      (language == "it" && listed(kItalian)) ||
                      (language == "ca" && listed(kCatalan));
  return elided ? apostrophe + 1 : 0;
}

// Length in the original of the elided article: the bytes up to and with the apostrophe.
size_t OriginalElisionBytes(std::string_view word) {
  const size_t typographic = word.find("\u2019");
  const size_t plain = word.find('\'');
  if (plain < typographic) return plain + 1;
  return typographic + 3;
}

std::string_view CutAtCodePoint(std::string_view word, size_t bytes_max) {
  if (word.size() <= bytes_max) return word;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(word[end]) & 0xC0) == 0x80) --end;
  return word.substr(0, end);
}

// Appends the token of `word`, which begins at byte `begin` of the text.
void AddToken(std::string_view word, uint32_t begin, std::string_view language,
              std::vector<Token>& tokens) {
  const auto end = begin + static_cast<uint32_t>(word.size());
  std::string folded = FoldCase(CutAtCodePoint(word, kTokenBytesMax));
  if (const size_t elided = ElisionBytes(folded, language); elided > 0) {
    folded.erase(0, elided);
    begin += static_cast<uint32_t>(OriginalElisionBytes(word));
  }
  Token token{begin, end, static_cast<uint32_t>(tokens.size()), FoldAccents(folded, language),
              Stem(folded, language)};
  if (!token.exact.empty()) tokens.push_back(std::move(token));
}

}  // namespace

std::string BaseLanguage(std::string_view language) {
  std::string base(language.substr(0, language.find_first_of("-_")));
  for (char& c : base) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return base;
}

std::vector<Token> Analyze(std::string_view text, std::string_view language) {
  const std::string base = BaseLanguage(language);
  std::vector<Token> tokens;
  UErrorCode status = U_ZERO_ERROR;
  UText utext = UTEXT_INITIALIZER;
  utext_openUTF8(&utext, text.data(), static_cast<int64_t>(text.size()), &status);
  icu::BreakIterator& breaks = WordBreaks();
  breaks.setText(&utext, status);
  NRL_ASSERT(U_SUCCESS(status));
  int32_t begin = breaks.first();
  for (int32_t end = breaks.next(); end != icu::BreakIterator::DONE; end = breaks.next()) {
    if (breaks.getRuleStatus() >= UBRK_WORD_NONE_LIMIT) {
      AddToken(text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
               static_cast<uint32_t>(begin), base, tokens);
    }
    begin = end;
  }
  utext_close(&utext);
  return tokens;
}

std::string StemOf(std::string_view exact, std::string_view language) {
  return Stem(exact, BaseLanguage(language));
}

bool IsStopWord(std::string_view exact, std::string_view language) {
  const auto& words = StopWords(BaseLanguage(language));
  return words.contains(exact);
}

const std::string& AnalysisHash() {
  static const std::string hash = Sha256Hex(
      fmt::format("narralytica text analysis {}; icu {}; unicode {}; snowball 2; token bytes {}",
                  kRulesVersion, U_ICU_VERSION, U_UNICODE_VERSION, kTokenBytesMax));
  return hash;
}

}  // namespace narralytica::index
