// Whose words: turns of speakers laid over the words of a transcript.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "transcript/recognizer.hpp"

namespace narralytica::transcript {

// One stretch of one speaker; those of different speakers may overlap.
struct SpeakerTurn {
  SpeakerId speaker;
  TimeRange range;
};

struct WordSpeaker {
  std::optional<SpeakerId> speaker;  // none: nobody was heard near the word
  int64_t overlap_ms = 0;            // of the word, somebody else speaks too
};

struct WordSpeakerRules {
  // A word outside all turns is of the nearest one, if that is no further away.
  int64_t reach_ms = 1'000;
};

// Of each word: the speaker with the most of its time; among equals the one of the word before,
// then the one whose turn began last (it is the other who is interrupted). Words and turns are
// ordered by start; takes time linear in both.
std::vector<WordSpeaker> SpeakersOfWords(std::span<const Word> words,
                                         std::span<const SpeakerTurn> turns,
                                         const WordSpeakerRules& rules = {});

}  // namespace narralytica::transcript
