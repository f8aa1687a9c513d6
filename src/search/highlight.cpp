#include "search/highlight.hpp"

#include <algorithm>
#include <cstddef>

#include "index/text_analysis.hpp"

namespace narralytica::search {
namespace {

void AppendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

bool HasPrefixIn(const std::string& exact, const std::set<std::string, std::less<>>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return exact.starts_with(prefix); });
}

bool PhraseAt(const std::vector<index::Token>& tokens, size_t at,
              const std::vector<std::string>& phrase) {
  if (phrase.empty() || at + phrase.size() > tokens.size()) return false;
  for (size_t i = 0; i < phrase.size(); ++i) {
    if (tokens[at + i].exact != phrase[i]) return false;
  }
  return true;
}

}  // namespace

std::vector<MatchedSpan> Matcher::FindIn(std::string_view text, std::string_view language) const {
  const std::vector<index::Token> tokens = index::Analyze(text, language);
  std::vector<bool> matched(tokens.size(), false);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (stems.contains(tokens[i].stem) || HasPrefixIn(tokens[i].exact, prefixes)) {
      matched[i] = true;
    }
    for (const std::vector<std::string>& phrase : phrases) {
      if (!PhraseAt(tokens, i, phrase)) continue;
      std::fill_n(matched.begin() + static_cast<std::ptrdiff_t>(i), phrase.size(), true);
    }
  }
  std::vector<MatchedSpan> spans;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (matched[i]) spans.emplace_back(tokens[i].begin, tokens[i].end);
  }
  return spans;
}

std::string MarkUp(std::string_view text, const std::vector<MatchedSpan>& spans) {
  std::string out;
  size_t done = 0;
  for (const auto& [begin, end] : spans) {
    AppendEscaped(out, text.substr(done, begin - done));
    out += "<mark>";
    AppendEscaped(out, text.substr(begin, end - begin));
    out += "</mark>";
    done = end;
  }
  AppendEscaped(out, text.substr(done));
  return out;
}

}  // namespace narralytica::search
