// Words -> segments: the utterances that are stored, searched and cited.
//
// A segment ends with a sentence, at a pause, or where the language or the speaker changes; a
// longer one is cut at its best inner place so that none is much beyond 15 s or 40 words.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "transcript/recognizer.hpp"
#include "transcript/transcriber.hpp"
#include "transcript/word_speakers.hpp"

namespace narralytica::transcript {

struct Segment {
  TimeRange range;  // of its words; segments are ordered and do not overlap
  std::string language;
  std::string text;         // the words, joined as the language writes them
  std::vector<Word> words;  // at least one
  std::optional<SpeakerId> speaker = {};
  int64_t overlap_ms = 0;  // of the words, somebody else speaks too
};

struct SegmentRules {
  int64_t segment_ms_max = 15'000;
  size_t words_max = 40;
  int64_t pause_ms_min = 1'000;  // separates even inside a sentence
};

std::vector<Segment> MakeSegments(const std::vector<TranscribedWindow>& windows,
                                  const SegmentRules& rules = {});
// The same, with the speakers of the words.
std::vector<Segment> MakeSegments(const std::vector<TranscribedWindow>& windows,
                                  std::span<const SpeakerTurn> turns,
                                  const SegmentRules& rules = {});

// {start_ms, end_ms, text, language, words}
void to_json(nlohmann::json& json, const Segment& segment);

}  // namespace narralytica::transcript
