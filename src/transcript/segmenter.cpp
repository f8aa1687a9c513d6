#include "transcript/segmenter.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

namespace narralytica::transcript {
namespace {

constexpr std::array<std::string_view, 7> kSentenceEnds{".", "!", "?", "。", "！", "？", "…"};
constexpr std::array<std::string_view, 7> kClauseEnds{",", ";", ":", "，", "；", "：", "、"};
constexpr std::array<std::string_view, 6> kClosers{"\"", "'", ")", "]", "”", "»"};
constexpr std::array<std::string_view, 15> kAbbreviations{"mr.", "mrs.", "ms.",  "dr.",  "prof.",
                                                          "st.", "jr.",  "sr.",  "vs.",  "etc.",
                                                          "no.", "e.g.", "i.e.", "inc.", "gen."};

bool EndsWithAny(std::string_view text, auto& endings) {
  return std::ranges::any_of(endings, [&](auto ending) { return text.ends_with(ending); });
}

std::string_view WithoutClosers(std::string_view text) {
  for (;;) {
    const auto closer = std::ranges::find_if(kClosers, [&](auto it) { return text.ends_with(it); });
    if (closer == kClosers.end()) return text;
    text.remove_suffix(closer->size());
  }
}

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  }
  return lower;
}

// "J." and "Dr." end no sentence; "U.S." may, and is taken not to.
bool IsAbbreviation(std::string_view text) {
  if (!text.ends_with('.')) return false;
  if (text.size() == 2) return true;
  const std::string lower = AsciiLower(text);
  if (std::ranges::find(kAbbreviations, lower) != kAbbreviations.end()) return true;
  return text.size() >= 4 && text[text.size() - 3] == '.';
}

bool EndsSentence(std::string_view word) {
  const std::string_view bare = WithoutClosers(word);
  return EndsWithAny(bare, kSentenceEnds) && !IsAbbreviation(bare);
}

// How good a place to cut the gap after word `i` is: pauses count in ms, a clause's end as .4 s.
int64_t CutValue(const std::vector<Word>& words, size_t i) {
  constexpr int64_t kClauseMs = 400;
  const int64_t pause_ms = words[i + 1].start_ms - words[i].end_ms;
  return pause_ms + (EndsWithAny(WithoutClosers(words[i].text), kClauseEnds) ? kClauseMs : 0);
}

std::string JoinWords(std::span<const Word> words, const std::string& language) {
  const bool spaces = !WrittenWithoutSpaces(language);
  std::string text;
  for (const Word& word : words) {
    if (spaces && !text.empty()) text += ' ';
    text += word.text;
  }
  return text;
}

class Builder {
 public:
  explicit Builder(const SegmentRules& rules) : rules_(rules) {}

  void Add(const Word& word, const std::string& language, const WordSpeaker& by) {
    const bool another =
        !open_.empty() && (language != language_ || by.speaker != speaker_ || PauseBefore(word));
    if (another) Close(open_.size());
    language_ = language;
    speaker_ = by.speaker;
    open_.push_back(word);
    overlaps_.push_back(by.overlap_ms);
    while (TooLong()) Close(BestCut());
    if (EndsSentence(word.text)) Close(open_.size());
  }

  std::vector<Segment> Finish() {
    Close(open_.size());
    return std::move(segments_);
  }

 private:
  bool PauseBefore(const Word& word) const {
    return word.start_ms - open_.back().end_ms >= rules_.pause_ms_min;
  }

  bool TooLong() const {
    if (open_.size() < 2) return false;
    return open_.size() > rules_.words_max ||
           open_.back().end_ms - open_.front().start_ms > rules_.segment_ms_max;
  }

  // The number of words to keep: the best cut in the second half of what is open.
  size_t BestCut() const {
    size_t best = open_.size() - 1;
    for (size_t count = best; count-- > open_.size() / 2;) {
      if (count > 0 && CutValue(open_, count - 1) > CutValue(open_, best - 1)) best = count;
    }
    return best;
  }

  void Close(size_t count) {
    if (count == 0) return;
    const auto end = open_.begin() + std::ptrdiff_t(count);
    Segment& segment = segments_.emplace_back();
    segment.words.assign(open_.begin(), end);
    segment.range = {segment.words.front().start_ms, segment.words.back().end_ms};
    segment.language = language_;
    segment.text = JoinWords(segment.words, language_);
    segment.speaker = speaker_;
    const auto overlaps_end = overlaps_.begin() + std::ptrdiff_t(count);
    segment.overlap_ms = std::accumulate(overlaps_.begin(), overlaps_end, int64_t{0});
    open_.erase(open_.begin(), end);
    overlaps_.erase(overlaps_.begin(), overlaps_end);
  }

  const SegmentRules rules_;
  std::string language_;
  std::optional<SpeakerId> speaker_;
  std::vector<Word> open_;
  std::vector<int64_t> overlaps_;  // of the open words
  std::vector<Segment> segments_;
};

}  // namespace

std::vector<Segment> MakeSegments(const std::vector<TranscribedWindow>& windows,
                                  const SegmentRules& rules) {
  return MakeSegments(windows, {}, rules);
}

std::vector<Segment> MakeSegments(const std::vector<TranscribedWindow>& windows,
                                  std::span<const SpeakerTurn> turns, const SegmentRules& rules) {
  std::vector<Word> words;
  for (const TranscribedWindow& window : windows) {
    words.insert(words.end(), window.words.begin(), window.words.end());
  }
  const std::vector<WordSpeaker> speakers = SpeakersOfWords(words, turns);
  Builder builder(rules);
  size_t i = 0;
  for (const TranscribedWindow& window : windows) {
    for (const Word& word : window.words) builder.Add(word, window.language, speakers[i++]);
  }
  return builder.Finish();
}

void to_json(nlohmann::json& json, const Segment& segment) {
  json = {{"start_ms", segment.range.start_ms},
          {"end_ms", segment.range.end_ms},
          {"text", segment.text},
          {"language", segment.language},
          {"words", segment.words}};
}

}  // namespace narralytica::transcript
