#include "search/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/time.hpp"
#include "index/text_analysis.hpp"

namespace narralytica::search {
namespace {

using Kind = QueryNode::Kind;

constexpr std::array<std::string_view, 7> kFields{"video",   "lang",  "after", "before",
                                                  "speaker", "topic", "cefr"};

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Byte length of a quotation mark at the start of `text`; 0 if there is none.
size_t QuoteBytes(std::string_view text) {
  if (text.starts_with('"')) return 1;
  static constexpr std::array<std::string_view, 5> kTypographic{"\u201C", "\u201D", "\u201E",
                                                                "\u00AB", "\u00BB"};
  for (const std::string_view quote : kTypographic) {
    if (text.starts_with(quote)) return quote.size();
  }
  return 0;
}

struct Lexeme {
  enum class Kind : uint8_t { kWord, kPhrase, kField, kOpen, kClose, kAnd, kOr, kNot, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;   // of a word or phrase; a field's value
  std::string field;  // a field's name
  size_t at = 0;      // byte offset
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<ParsedQuery> Run() {
    NRL_CHECK(Lex());
    NRL_TRY(QueryNode root, Query(0));
    if (Peek().kind == Lexeme::Kind::kClose) {
      return Wrong(Peek().at, "this parenthesis was never opened", "remove it, or open one");
    }
    query_.root = std::move(root);
    NRL_CHECK(CheckPositive());
    return std::move(query_);
  }

 private:
  using LexKind = Lexeme::Kind;

  std::unexpected<Error> Wrong(size_t at, std::string_view what, std::string hint) const {
    const auto before = text_.substr(0, at);
    const auto characters = std::count_if(before.begin(), before.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    return Fail(ErrorCode::kInvalid, fmt::format("query, character {}: {}", characters + 1, what),
                std::move(hint));
  }

  Status Lex() {
    size_t at = 0;
    while (at < text_.size()) {
      if (IsSpace(text_[at])) {
        ++at;
      } else if (text_[at] == '(' || text_[at] == ')') {
        lexemes_.push_back({text_[at] == '(' ? LexKind::kOpen : LexKind::kClose, {}, {}, at});
        ++at;
      } else if (QuoteBytes(text_.substr(at)) > 0) {
        NRL_CHECK(LexPhrase(at));
      } else {
        NRL_CHECK(LexWord(at));
      }
      if (lexemes_.size() > kQueryClausesMax) {
        return Wrong(at, fmt::format("more than {} clauses", kQueryClausesMax),
                     "ask for fewer words");
      }
    }
    lexemes_.push_back({LexKind::kEnd, {}, {}, text_.size()});
    return {};
  }

  Result<std::string> Quoted(size_t& at) const {
    const size_t open_at = at;
    at += QuoteBytes(text_.substr(at));
    const size_t begin = at;
    for (; at < text_.size(); ++at) {
      const size_t quote = QuoteBytes(text_.substr(at));
      if (quote == 0) continue;
      std::string text(text_.substr(begin, at - begin));
      at += quote;
      return text;
    }
    return Wrong(open_at, "this quotation mark is never closed", "close it, or remove it");
  }

  Status LexPhrase(size_t& at) {
    const size_t begin = at;
    NRL_TRY(std::string text, Quoted(at));
    lexemes_.push_back({LexKind::kPhrase, std::move(text), {}, begin});
    return {};
  }

  Status LexWord(size_t& at) {
    const size_t begin = at;
    while (at < text_.size() && !IsSpace(text_[at]) && text_[at] != '(' && text_[at] != ')' &&
           QuoteBytes(text_.substr(at)) == 0) {
      ++at;
    }
    const std::string_view word = text_.substr(begin, at - begin);
    if (word == "AND")
      lexemes_.push_back({LexKind::kAnd, {}, {}, begin});
    else if (word == "OR")
      lexemes_.push_back({LexKind::kOr, {}, {}, begin});
    else if (word == "NOT")
      lexemes_.push_back({LexKind::kNot, {}, {}, begin});
    else if (const auto field = FieldName(word))
      return LexField(*field, begin, at);
    else
      lexemes_.push_back({LexKind::kWord, std::string(word), {}, begin});
    return {};
  }

  static std::optional<std::string> FieldName(std::string_view word) {
    const size_t colon = word.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string name(word.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (std::find(kFields.begin(), kFields.end(), name) == kFields.end()) return std::nullopt;
    return name;
  }

  Status LexField(const std::string& name, size_t begin, size_t& at) {
    std::string value(text_.substr(begin + name.size() + 1, at - begin - name.size() - 1));
    if (value.empty() && QuoteBytes(text_.substr(at)) > 0) {
      NRL_TRY(value, Quoted(at));
    }
    if (value.empty()) {
      return Wrong(begin, name + ": has no value", "write it right behind the colon");
    }
    lexemes_.push_back({LexKind::kField, std::move(value), name, begin});
    return {};
  }

  const Lexeme& Peek() const { return lexemes_[next_]; }
  Lexeme Take() { return lexemes_[next_++]; }

  Result<QueryNode> Query(size_t depth) {
    if (depth > kQueryDepthMax) {
      return Wrong(Peek().at, fmt::format("nested deeper than {}", kQueryDepthMax),
                   "use fewer parentheses");
    }
    std::vector<QueryNode> parts;
    NRL_TRY(QueryNode first, List(depth));
    parts.push_back(std::move(first));
    while (Peek().kind == LexKind::kOr) {
      const size_t at = Take().at;
      NRL_TRY(QueryNode next, List(depth));
      if (IsEmpty(parts.back()) || IsEmpty(next)) return LonelyOperator(at, "OR");
      parts.push_back(std::move(next));
    }
    if (parts.size() == 1) return std::move(parts.front());
    return QueryNode{Kind::kOr, {}, std::move(parts)};
  }

  Result<QueryNode> List(size_t depth) {
    std::vector<QueryNode> parts;
    while (Peek().kind != LexKind::kEnd && Peek().kind != LexKind::kClose &&
           Peek().kind != LexKind::kOr) {
      if (Peek().kind == LexKind::kField) {
        NRL_CHECK(Field(Take(), depth));
        continue;
      }
      NRL_TRY(QueryNode part, Both(depth));
      parts.push_back(std::move(part));
    }
    if (parts.size() == 1 && parts.front().kind != Kind::kNot) return std::move(parts.front());
    return QueryNode{Kind::kList, {}, std::move(parts)};
  }

  Result<QueryNode> Both(size_t depth) {
    std::vector<QueryNode> parts;
    NRL_TRY(QueryNode first, Unary(depth));
    parts.push_back(std::move(first));
    while (Peek().kind == LexKind::kAnd) {
      Take();
      NRL_TRY(QueryNode next, Unary(depth));
      parts.push_back(std::move(next));
    }
    if (parts.size() == 1) return std::move(parts.front());
    return QueryNode{Kind::kAnd, {}, std::move(parts)};
  }

  Result<QueryNode> Unary(size_t depth) {
    if (depth > kQueryDepthMax) {
      return Wrong(Peek().at, fmt::format("nested deeper than {}", kQueryDepthMax),
                   "use fewer NOTs");
    }
    if (Peek().kind != LexKind::kNot) return Primary(depth);
    Take();
    NRL_TRY(QueryNode of, Unary(depth + 1));
    if (of.kind == Kind::kNot) return std::move(of.parts.front());
    QueryNode node{Kind::kNot, {}, {}};
    node.parts.push_back(std::move(of));
    return node;
  }

  Result<QueryNode> Primary(size_t depth) {
    Lexeme lexeme = Take();
    switch (lexeme.kind) {
      case LexKind::kOpen:
        return Group(lexeme.at, depth);
      case LexKind::kPhrase:
        return QueryNode{Kind::kPhrase, std::move(lexeme.text), {}};
      case LexKind::kWord:
        return Word(std::move(lexeme));
      case LexKind::kField:
        return Wrong(lexeme.at, lexeme.field + ": cannot stand behind AND or NOT",
                     "put it beside the words: it narrows the whole query");
      case LexKind::kAnd:
        return LonelyOperator(lexeme.at, "AND");
      case LexKind::kOr:
        return LonelyOperator(lexeme.at, "OR");
      case LexKind::kNot:
        break;
      case LexKind::kClose:
        return Wrong(lexeme.at, "something is missing before this parenthesis",
                     "write a word, or remove it");
      case LexKind::kEnd:
        return Wrong(lexeme.at, "the query ends where a word should stand",
                     "write a word behind the operator");
    }
    NRL_ASSERT(false);
  }

  Result<QueryNode> Group(size_t at, size_t depth) {
    NRL_TRY(QueryNode inner, Query(depth + 1));
    if (Peek().kind != LexKind::kClose) {
      return Wrong(at, "this parenthesis is never closed", "close it, or remove it");
    }
    Take();
    if (IsEmpty(inner)) return Wrong(at, "these parentheses are empty", "remove them");
    return inner;
  }

  Result<QueryNode> Word(Lexeme lexeme) const {
    if (!lexeme.text.ends_with('*')) return QueryNode{Kind::kWord, std::move(lexeme.text), {}};
    const size_t last = lexeme.text.find_last_not_of('*');
    const std::string stem = last == std::string::npos ? "" : lexeme.text.substr(0, last + 1);
    const auto letters = std::count_if(stem.begin(), stem.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    if (static_cast<size_t>(letters) < kPrefixLettersMin) {
      return Wrong(lexeme.at,
                   fmt::format("a prefix needs {} letters before its star", kPrefixLettersMin),
                   "write more of the word");
    }
    return QueryNode{Kind::kPrefix, stem, {}};
  }

  std::unexpected<Error> LonelyOperator(size_t at, const std::string& name) const {
    return Wrong(at, name + " stands between two things", "write a word on both sides of it");
  }

  static bool IsEmpty(const QueryNode& node) {
    return node.kind == Kind::kList && node.parts.empty();
  }

  Status Field(const Lexeme& field, size_t depth) {
    if (depth > 0) {
      return Wrong(field.at, field.field + ": cannot stand inside parentheses",
                   "put it beside them: it narrows the whole query");
    }
    if (field.field == "topic" || field.field == "cefr") {
      return Wrong(field.at, field.field + ": cannot be searched yet",
                   "this layer does not exist in this version; leave the field out");
    }
    if (field.field == "lang") {
      query_.filter.language = index::BaseLanguage(field.text);
      return {};
    }
    if (field.field == "video") {
      const auto id = VideoId::Parse(field.text);
      if (!id) return Wrong(field.at, "video: takes a video's id", id.error().hint);
      query_.filter.video_id = *id;
      return {};
    }
    if (field.field == "speaker") return Speaker(field);
    const auto time = ParseRfc3339(field.text);
    if (!time) {
      return Wrong(field.at, field.field + ": takes a date", "write it like 2026-11-24");
    }
    (field.field == "after" ? query_.filter.published_from : query_.filter.published_until) = *time;
    return {};
  }

  Status Speaker(const Lexeme& field) {
    if (const auto id = SpeakerId::Parse(field.text)) {
      query_.filter.speaker_id = *id;
    } else if (index::Analyze(field.text, {}).empty()) {
      return Wrong(field.at, "speaker: takes a name", "write letters or digits, or a speaker's id");
    } else {
      query_.filter.speaker = field.text;
    }
    return {};
  }

  // NOT alone would match nearly everything and rank nothing.
  static bool IsPositive(const QueryNode& node) {
    switch (node.kind) {
      case Kind::kWord:
      case Kind::kPrefix:
      case Kind::kPhrase:
        return true;
      case Kind::kNot:
        return false;
      case Kind::kList:
      case Kind::kAnd:
        return std::any_of(node.parts.begin(), node.parts.end(), IsPositive);
      case Kind::kOr:
        return std::all_of(node.parts.begin(), node.parts.end(), IsPositive);
    }
    NRL_ASSERT(false);
  }

  // Every group must have something positive, at every level.
  static bool AllPositive(const QueryNode& node) {
    if (node.kind == Kind::kNot) return AllPositive(node.parts.front());
    return IsPositive(node) && std::all_of(node.parts.begin(), node.parts.end(), AllPositive);
  }

  Status CheckPositive() const {
    if (IsEmpty(query_.root)) {
      return Fail(ErrorCode::kInvalid, "the query has no word to look for", "write at least one");
    }
    if (AllPositive(query_.root)) return {};
    return Fail(ErrorCode::kInvalid, "the query says only what is not wanted",
                "put a wanted word beside each NOT");
  }

  std::string_view text_;
  std::vector<Lexeme> lexemes_;
  size_t next_ = 0;
  ParsedQuery query_;
};

}  // namespace

Result<ParsedQuery> ParseQuery(std::string_view text) {
  if (text.size() > kQueryBytesMax) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("the query is longer than {} bytes", kQueryBytesMax), "shorten it");
  }
  return Parser(text).Run();
}

}  // namespace narralytica::search
