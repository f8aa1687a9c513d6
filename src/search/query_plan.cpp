#include "search/query_plan.hpp"

#include <fmt/format.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>

#include "index/text_analysis.hpp"

namespace narralytica::search {
namespace {

using index::Field;
using index::Term;
using index::TextQuery;
using Kind = QueryNode::Kind;
using Op = TextQuery::Op;

// A word of the title counts half a word of the text; a corrected word not quite a typed one.
constexpr float kTitleWeight = .5f;
constexpr float kCorrectedWeight = .7f;
constexpr size_t kCorrectedWordsMax = 4;  // per query; further unknown words find nothing
constexpr size_t kLettersForOneEdit = 4;
constexpr size_t kLettersForTwoEdits = 6;

void AddOnce(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

// One word of the query as each of the languages sees it.
struct QueryWord {
  std::string typed;
  std::vector<std::string> exact;
  std::vector<std::string> stems;
};

TextQuery WordOf(Field field, const std::vector<std::string>& texts, float weight) {
  TextQuery word{Op::kWord, {}, weight, {}};
  for (const std::string& text : texts) word.terms.push_back({field, text});
  return word;
}

TextQuery Combine(Op op, std::vector<TextQuery> parts) {
  if (parts.size() == 1 && (op == Op::kAny || op == Op::kAll)) return std::move(parts.front());
  return {op, {}, 1, std::move(parts)};
}

std::vector<UChar32> CodePoints(std::string_view text) {
  std::vector<UChar32> points;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (int32_t i = 0; i < static_cast<int32_t>(text.size());) {
    UChar32 c = 0;
    U8_NEXT(bytes, i, static_cast<int32_t>(text.size()), c);
    points.push_back(c);
  }
  return points;
}

std::string_view FirstLetter(std::string_view word) {
  size_t end = 1;
  while (end < word.size() && (static_cast<unsigned char>(word[end]) & 0xC0) == 0x80) ++end;
  return word.substr(0, end);
}

class Planner {
 public:
  Planner(const index::Filter& filter, index::Reader& reader) : reader_(reader) {
    if (!filter.language.empty()) {
      languages_.push_back(filter.language);
      return;
    }
    for (const auto& [language, segments] : reader.info().languages) {
      if (languages_.size() < kQueryLanguagesMax) languages_.push_back(language);
    }
    if (languages_.empty()) languages_.emplace_back();
  }

  Result<QueryPlan> Run(const QueryNode& root) {
    CollectWanted(root);
    stop_language_ = GuessLanguage(plan_.semantic_text);
    plan_.binding = Binds(root);
    // A lone word may be several to the analysis (Chinese, "follow-up"): alternatives, as in a
    // list.
    const bool lone_word = root.kind == Kind::kWord;
    const QueryNode list{Kind::kList, {}, lone_word ? std::vector{root} : std::vector<QueryNode>{}};
    NRL_TRY(plan_.text, Build(lone_word ? list : root, true));
    if (!found_word_) {
      return Fail(ErrorCode::kInvalid, "the query has no word to look for",
                  "write letters or digits");
    }
    return std::move(plan_);
  }

 private:
  void CollectWanted(const QueryNode& node) {
    if (node.kind == Kind::kNot) return;
    if (!node.text.empty()) {
      if (!plan_.semantic_text.empty()) plan_.semantic_text += ' ';
      plan_.semantic_text += node.text;
    }
    for (const QueryNode& part : node.parts) CollectWanted(part);
  }

  // The language whose stop words the query has most of; on a tie the more frequent one.
  std::string GuessLanguage(std::string_view text) const {
    std::string best;
    std::ptrdiff_t most = 0;
    for (const std::string& language : languages_) {
      const auto tokens = index::Analyze(text, language);
      const auto stops = std::count_if(tokens.begin(), tokens.end(), [&](const auto& token) {
        return index::IsStopWord(token.exact, language);
      });
      if (stops > most) {
        most = stops;
        best = language;
      }
    }
    return best;
  }

  static bool IsSoft(const QueryNode& node) {
    return node.kind == Kind::kWord || node.kind == Kind::kPrefix;
  }

  static bool Binds(const QueryNode& node) {
    if (node.kind != Kind::kList) return node.kind != Kind::kWord;
    const bool all_soft = std::all_of(node.parts.begin(), node.parts.end(), IsSoft);
    const bool has_word = std::any_of(node.parts.begin(), node.parts.end(),
                                      [](const auto& part) { return part.kind == Kind::kWord; });
    return !all_soft || !has_word;
  }

  std::vector<QueryWord> Words(std::string_view text) const {
    std::vector<QueryWord> words;
    for (const index::Token& token : index::Analyze(text, languages_.front())) {
      words.push_back({std::string(text.substr(token.begin, token.end - token.begin)), {}, {}});
    }
    for (const std::string& language : languages_) {
      const auto tokens = index::Analyze(text, language);
      // Languages cut words at the same places; only their articles differ.
      for (size_t i = 0; i < std::min(tokens.size(), words.size()); ++i) {
        AddOnce(words[i].exact, tokens[i].exact);
        AddOnce(words[i].stems, tokens[i].stem);
        // Typed without its accents, a word may stem differently.
        AddOnce(words[i].stems, index::StemOf(tokens[i].exact, language));
      }
    }
    return words;
  }

  Result<TextQuery> Build(const QueryNode& node, bool wanted) {
    switch (node.kind) {
      case Kind::kWord:
        return BuildText(Op::kAll, node.text, wanted);
      case Kind::kPrefix:
        return BuildPrefix(node.text, wanted);
      case Kind::kPhrase:
        return BuildPhrase(node.text, wanted);
      case Kind::kList:
        return BuildList(node, wanted);
      case Kind::kAnd:
        return BuildAnd(node, wanted);
      case Kind::kOr: {
        std::vector<TextQuery> parts;
        for (const QueryNode& part : node.parts) {
          NRL_TRY(TextQuery built, Build(part, wanted));
          parts.push_back(std::move(built));
        }
        return Combine(Op::kAny, std::move(parts));
      }
      case Kind::kNot:
        break;  // only inside a list or an AND
    }
    NRL_ASSERT(false);
  }

  Result<TextQuery> BuildText(Op op, std::string_view text, bool wanted) {
    std::vector<TextQuery> parts;
    for (const QueryWord& word : Words(text)) {
      NRL_TRY(TextQuery built, BuildWord(word, wanted));
      parts.push_back(std::move(built));
    }
    return Combine(op, std::move(parts));
  }

  Result<TextQuery> BuildWord(const QueryWord& word, bool wanted) {
    found_word_ = found_word_ || wanted;
    std::vector<std::string> stems = word.stems;
    float weight = 1;
    if (wanted) {
      NRL_TRY(const bool known, IsKnown(stems));
      if (!known) {
        NRL_TRY(std::vector<std::string> similar, SimilarStems(word));
        if (!similar.empty()) {
          stems = std::move(similar);
          weight = kCorrectedWeight;
        }
      }
      plan_.matcher.stems.insert(stems.begin(), stems.end());
    }
    return Combine(Op::kAny, {WordOf(Field::kStem, stems, weight),
                              WordOf(Field::kTitle, stems, weight * kTitleWeight)});
  }

  Result<bool> IsKnown(const std::vector<std::string>& stems) {
    for (const std::string& stem : stems) {
      for (const Field field : {Field::kStem, Field::kTitle}) {
        NRL_TRY(const uint64_t frequency, reader_.Frequency({field, stem}));
        if (frequency > 0) return true;
      }
    }
    return false;
  }

  // Stems of the nearest words of the index to a word that it does not have.
  Result<std::vector<std::string>> SimilarStems(const QueryWord& word) {
    const std::string& exact = word.exact.front();
    const size_t letters = CodePoints(exact).size();
    if (letters < kLettersForOneEdit || plan_.corrections.size() == kCorrectedWordsMax) {
      return std::vector<std::string>{};
    }
    int limit = letters < kLettersForTwoEdits ? 1 : 2;
    struct Near {
      int distance;
      uint64_t frequency;
      std::string word;
    };
    std::vector<Near> near;
    NRL_TRY(const auto vocabulary, reader_.Words(FirstLetter(exact), kSimilarWordsSeenMax));
    for (const auto& [candidate, frequency] : vocabulary) {
      const int distance = EditDistance(exact, candidate, limit);
      if (distance > limit) continue;
      limit = distance;  // only the nearest count
      near.push_back({distance, frequency, candidate});
    }
    std::erase_if(near, [&](const Near& n) { return n.distance > limit; });
    std::sort(near.begin(), near.end(), [](const Near& a, const Near& b) {
      return a.frequency != b.frequency ? a.frequency > b.frequency : a.word < b.word;
    });
    if (near.size() > kSimilarWordsMax) near.resize(kSimilarWordsMax);
    if (near.empty()) return std::vector<std::string>{};

    Correction correction{word.typed, {}};
    std::vector<std::string> stems;
    for (const Near& n : near) {
      correction.to.push_back(n.word);
      for (const std::string& language : languages_) {
        AddOnce(stems, index::StemOf(n.word, language));
      }
    }
    plan_.corrections.push_back(std::move(correction));
    return stems;
  }

  Result<TextQuery> BuildPrefix(std::string_view text, bool wanted) {
    const std::vector<QueryWord> words = Words(text);
    if (words.empty()) return TextQuery{Op::kWord, {}, 1, {}};
    found_word_ = found_word_ || wanted;
    const std::string& prefix = words.back().exact.front();
    if (wanted) plan_.matcher.prefixes.insert(prefix);
    NRL_TRY(auto expanded, reader_.Words(prefix, kPrefixWordsSeenMax));
    std::stable_sort(expanded.begin(), expanded.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    if (expanded.size() > kPrefixWordsMax) expanded.resize(kPrefixWordsMax);
    std::vector<std::string> exact;
    std::vector<std::string> stems;
    for (const auto& [word, frequency] : expanded) {
      exact.push_back(word);
      for (const std::string& language : languages_) {
        AddOnce(stems, index::StemOf(word, language));
      }
    }
    if (exact.empty()) return TextQuery{Op::kWord, {}, 1, {}};
    return Combine(Op::kPrefer, {WordOf(Field::kExact, exact, 1), WordOf(Field::kStem, stems, 1)});
  }

  // Matched by exact forms in order, scored by the stems.
  Result<TextQuery> BuildPhrase(std::string_view text, bool wanted) {
    const std::vector<QueryWord> words = Words(text);
    if (words.size() > kPhraseWordsMax) {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("a phrase has more than {} words", kPhraseWordsMax),
                  "shorten it, or split it in two");
    }
    if (words.empty()) return TextQuery{Op::kWord, {}, 1, {}};
    found_word_ = found_word_ || wanted;
    std::vector<TextQuery> forms;
    for (const auto& exact : PhraseForms(text)) {
      TextQuery form{Op::kPhrase, {}, 1, {}};
      for (const std::string& word : exact) form.terms.push_back({Field::kExact, word});
      forms.push_back(std::move(form));
      if (wanted) plan_.matcher.phrases.push_back(exact);
    }
    std::vector<TextQuery> scored;
    for (const QueryWord& word : words) scored.push_back(WordOf(Field::kStem, word.stems, 1));
    return Combine(Op::kPrefer,
                   {Combine(Op::kAny, std::move(forms)), Combine(Op::kAny, std::move(scored))});
  }

  // The phrase's exact forms, one for each way that the languages see it.
  std::vector<std::vector<std::string>> PhraseForms(std::string_view text) const {
    std::vector<std::vector<std::string>> forms;
    for (const std::string& language : languages_) {
      std::vector<std::string> form;
      for (index::Token& token : index::Analyze(text, language)) {
        form.push_back(std::move(token.exact));
      }
      if (std::find(forms.begin(), forms.end(), form) == forms.end()) {
        forms.push_back(std::move(form));
      }
    }
    return forms;
  }

  Result<TextQuery> BuildList(const QueryNode& list, bool wanted) {
    std::vector<QueryWord> words;
    std::vector<TextQuery> soft;
    std::vector<TextQuery> required;
    std::vector<TextQuery> excluded;
    for (const QueryNode& part : list.parts) {
      if (part.kind == Kind::kWord) {
        for (QueryWord& word : Words(part.text)) words.push_back(std::move(word));
        continue;
      }
      const bool negated = part.kind == Kind::kNot;
      NRL_TRY(TextQuery built, Build(negated ? part.parts.front() : part, wanted && !negated));
      (negated ? excluded : IsSoft(part) ? soft : required).push_back(std::move(built));
    }
    DropStopWords(words, !soft.empty() || !required.empty());
    for (const QueryWord& word : words) {
      NRL_TRY(TextQuery built, BuildWord(word, wanted));
      soft.push_back(std::move(built));
    }
    TextQuery all = Combine(Op::kAny, std::move(soft));
    if (!required.empty()) {
      TextQuery must = Combine(Op::kAll, std::move(required));
      const bool only_required = all.op == Op::kAny && all.parts.empty();
      all =
          only_required ? std::move(must) : Combine(Op::kPrefer, {std::move(must), std::move(all)});
    }
    return Except(std::move(all), std::move(excluded));
  }

  void DropStopWords(std::vector<QueryWord>& words, bool others) const {
    const auto is_stop = [&](const QueryWord& word) {
      return std::any_of(word.exact.begin(), word.exact.end(), [&](const std::string& exact) {
        return index::IsStopWord(exact, stop_language_);
      });
    };
    const bool all = std::all_of(words.begin(), words.end(), is_stop);
    if (!all || others) std::erase_if(words, is_stop);
  }

  Result<TextQuery> BuildAnd(const QueryNode& node, bool wanted) {
    std::vector<TextQuery> required;
    std::vector<TextQuery> excluded;
    for (const QueryNode& part : node.parts) {
      const bool negated = part.kind == Kind::kNot;
      NRL_TRY(TextQuery built, Build(negated ? part.parts.front() : part, wanted && !negated));
      (negated ? excluded : required).push_back(std::move(built));
    }
    return Except(Combine(Op::kAll, std::move(required)), std::move(excluded));
  }

  static TextQuery Except(TextQuery from, std::vector<TextQuery> excluded) {
    if (excluded.empty()) return from;
    std::vector<TextQuery> parts;
    parts.push_back(std::move(from));
    parts.push_back(Combine(Op::kAny, std::move(excluded)));
    return {Op::kExcept, {}, 1, std::move(parts)};
  }

  index::Reader& reader_;
  std::vector<std::string> languages_;
  std::string stop_language_;
  bool found_word_ = false;
  QueryPlan plan_;
};

}  // namespace

Result<QueryPlan> PlanQuery(const ParsedQuery& query, const index::Filter& filter,
                            index::Reader& reader) {
  return Planner(filter, reader).Run(query.root);
}

int EditDistance(std::string_view a, std::string_view b, int limit) {
  const auto from = CodePoints(a);
  const auto to = CodePoints(b);
  const int from_size = static_cast<int>(from.size());
  const int to_size = static_cast<int>(to.size());
  if (std::abs(from_size - to_size) > limit) return limit + 1;
  const auto width = to.size() + 1;
  std::array<std::vector<int>, 3> rows;
  for (auto& row : rows) row.resize(width);
  for (size_t j = 0; j < width; ++j) rows[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= from.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    row[0] = static_cast<int>(i);
    int best = row[0];
    for (size_t j = 1; j < width; ++j) {
      const int replace = above[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
      }
      best = std::min(best, row[j]);
    }
    if (best > limit) return limit + 1;
  }
  return std::min(rows[from.size() % 3][to.size()], limit + 1);
}

}  // namespace narralytica::search
