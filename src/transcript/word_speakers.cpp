#include "transcript/word_speakers.hpp"

#include <algorithm>
#include <tuple>

namespace narralytica::transcript {
namespace {

int64_t OverlapMs(const Word& word, const TimeRange& range) {
  return std::min(word.end_ms, range.end_ms) - std::max(word.start_ms, range.start_ms);
}

// What the turns of one speaker say of one word.
struct Claim {
  SpeakerId speaker;
  int64_t overlap_ms = 0;  // below zero: so far away
  int64_t began_ms = 0;
};

class Assigner {
 public:
  Assigner(std::span<const SpeakerTurn> turns, const WordSpeakerRules& rules)
      : turns_(turns), rules_(rules) {}

  WordSpeaker Of(const Word& word) {
    LetIn(word);
    claims_.clear();
    for (const SpeakerTurn& turn : near_) Hear(turn, word);
    if (claims_.empty()) return {};
    const Claim& best = *std::ranges::max_element(
        claims_, [&](const Claim& a, const Claim& b) { return Weight(a) < Weight(b); });
    if (best.overlap_ms < -rules_.reach_ms) return {};
    WordSpeaker result{best.speaker, 0};
    for (const Claim& claim : claims_) {
      if (claim.speaker != best.speaker) {
        result.overlap_ms = std::max(result.overlap_ms, claim.overlap_ms);
      }
    }
    before_ = best.speaker;
    return result;
  }

 private:
  // Keeps the turns that the word, or a later one, can reach.
  void LetIn(const Word& word) {
    std::erase_if(near_, [&](const SpeakerTurn& turn) {
      return turn.range.end_ms + rules_.reach_ms < word.start_ms;
    });
    while (next_ < turns_.size() && turns_[next_].range.start_ms <= word.end_ms + rules_.reach_ms) {
      near_.push_back(turns_[next_++]);
    }
  }

  void Hear(const SpeakerTurn& turn, const Word& word) {
    const int64_t overlap_ms = OverlapMs(word, turn.range);
    const auto known = std::ranges::find(claims_, turn.speaker, &Claim::speaker);
    if (known == claims_.end()) {
      claims_.push_back({turn.speaker, overlap_ms, turn.range.start_ms});
    } else if (known->overlap_ms > 0 && overlap_ms > 0) {
      known->overlap_ms += overlap_ms;
    } else if (overlap_ms > known->overlap_ms) {
      *known = {turn.speaker, overlap_ms, turn.range.start_ms};
    }
  }

  std::tuple<int64_t, bool, int64_t> Weight(const Claim& claim) const {
    return {claim.overlap_ms, before_ == claim.speaker, claim.began_ms};
  }

  const std::span<const SpeakerTurn> turns_;
  const WordSpeakerRules rules_;
  size_t next_ = 0;
  std::vector<SpeakerTurn> near_;
  std::vector<Claim> claims_;
  std::optional<SpeakerId> before_;
};

}  // namespace

std::vector<WordSpeaker> SpeakersOfWords(std::span<const Word> words,
                                         std::span<const SpeakerTurn> turns,
                                         const WordSpeakerRules& rules) {
  Assigner assigner(turns, rules);
  std::vector<WordSpeaker> speakers;
  speakers.reserve(words.size());
  for (const Word& word : words) speakers.push_back(assigner.Of(word));
  return speakers;
}

}  // namespace narralytica::transcript
