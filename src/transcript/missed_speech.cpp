#include "transcript/missed_speech.hpp"

#include <algorithm>

namespace narralytica::transcript {
namespace {

constexpr int64_t kMissedMsMin = 1'500;
// The longest that a word may last: slow speech, and the pause the alignment gives to it.
constexpr int64_t kWordMs = 600;
constexpr int64_t kLetterMs = 100;
// What a word with an untrusted time accounts for.
constexpr int64_t kStretchedWordMs = 300;

bool IsStretched(const Word& word) {
  return word.end_ms - word.start_ms > kWordMs + kLetterMs * int64_t(word.text.size());
}

// The part of [begin, end) from its first to its last speech.
TimeRange TrimToSpeech(TimeRange stretch, std::span<const TimeRange> speech) {
  TimeRange trimmed{stretch.end_ms, stretch.start_ms};
  for (const TimeRange& range : speech) {
    if (!range.Overlaps(stretch)) continue;
    trimmed.start_ms = std::min(trimmed.start_ms, std::max(range.start_ms, stretch.start_ms));
    trimmed.end_ms = std::max(trimmed.end_ms, std::min(range.end_ms, stretch.end_ms));
  }
  return trimmed;
}

}  // namespace

std::vector<TimeRange> FindMissedSpeech(std::span<const Word> words,
                                        std::span<const TimeRange> speech) {
  std::vector<TimeRange> missed;
  if (speech.empty()) return missed;
  int64_t begin_ms = speech.front().start_ms;
  int64_t accounted_ms = 0;
  const auto look = [&](int64_t end_ms) {
    const TimeRange stretch{begin_ms, std::max(begin_ms, end_ms)};
    int64_t unaccounted_ms = -accounted_ms;
    for (const TimeRange& range : speech) {
      unaccounted_ms += std::max<int64_t>(
          0, std::min(range.end_ms, stretch.end_ms) - std::max(range.start_ms, stretch.start_ms));
    }
    if (unaccounted_ms >= kMissedMsMin) missed.push_back(TrimToSpeech(stretch, speech));
  };
  for (const Word& word : words) {
    if (IsStretched(word)) {
      accounted_ms += kStretchedWordMs;
      continue;
    }
    look(word.start_ms);
    begin_ms = word.end_ms;
    accounted_ms = 0;
  }
  look(speech.back().end_ms);
  return missed;
}

}  // namespace narralytica::transcript
