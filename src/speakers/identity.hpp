// Who the voices of a recording are, among the voices that are known: pure arithmetic.
//
// An identity is a person, or a voice of another recording that is nobody's yet. What is compared
// is the mean of an identity's voices, each weighted by its speech up to a minute. A voice is given
// to the nearest identity only when it is near enough (threshold) and no other is nearly as near
// (margin); else it is unknown. Of two voices of one recording that are nearest to the same
// identity the nearer one gets it and the other is unknown: two speakers of one recording are never
// one person by comparison. Vectors of two models are never compared. Same input in any order: same
// result. Threshold and margin: docs/quality.md.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "speakers/voice_chunk.hpp"

namespace narralytica::speakers {

struct IdentityRules {
  double threshold = 0.50;  // least cosine
  double margin = 0.10;     // least distance to the second
  int64_t speech_ms_min = 3'000;
};

struct KnownVoice {
  std::optional<PersonId> person;  // none: nobody's yet
  SpeakerId speaker;               // whose voice it is
  VideoId video;
  bool enrolled = false;
  std::string model_hash;
  int64_t speech_ms = 0;
  Voice voice{};
};

struct VoiceToMatch {
  SpeakerId speaker;
  int64_t speech_ms = 0;
  Voice voice{};
};

struct MatchQuestion {
  VideoId video;
  std::string model_hash;
  std::vector<VoiceToMatch> voices;  // of the video
  std::vector<KnownVoice> known;     // those of the video count only when they were enrolled
  // Who was said not to be whom.
  std::set<std::pair<SpeakerId, PersonId>> rejected;
  // Compared with like everybody, but never given: who speaks in the video already, and who does
  // not agree to be recognised.
  std::set<PersonId> withheld;
};

struct Match {
  SpeakerId speaker;
  // One of the two: the person, or the speaker who is the same unknown voice.
  std::optional<PersonId> person;
  std::optional<SpeakerId> other;
  double score = 0;   // cosine
  double second = 0;  // of the next identity; -1 without one
};

// In the order of the speakers' ids; unknown voices are left out.
std::vector<Match> MatchVoices(const MatchQuestion& question, const IdentityRules& rules);

// The cosine of a voice and the mean of others, those of other models and of too little speech left
// out; none when none is left.
std::optional<double> ScoreAgainst(const VoiceToMatch& voice, const std::string& model_hash,
                                   const std::vector<KnownVoice>& others,
                                   const IdentityRules& rules);

}  // namespace narralytica::speakers
