#include "speakers/identity.hpp"

#include <algorithm>
#include <map>

#include "speakers/voice_pooling.hpp"

namespace narralytica::speakers {
namespace {

constexpr int64_t kWeightMsMax = 60'000;

// The same identity has the same key; people's come first.
using IdentityKey = std::pair<bool, std::string>;  // whether it is nobody's, id

IdentityKey KeyOf(const KnownVoice& known) {
  if (known.person) return {false, known.person->str()};
  return {true, known.speaker.str()};
}

void Add(Voice& sum, const KnownVoice& known) {
  const float weight = float(std::min(known.speech_ms, kWeightMsMax)) / float(kWeightMsMax);
  for (size_t d = 0; d < sum.size(); ++d) sum[d] += weight * known.voice[d];
}

bool Comparable(const KnownVoice& known, const std::string& model_hash,
                const IdentityRules& rules) {
  return known.model_hash == model_hash && known.speech_ms >= rules.speech_ms_min;
}

// Sums depend on their order in the last digit, so the order is fixed.
std::vector<KnownVoice> InOrder(std::vector<KnownVoice> known) {
  std::ranges::sort(known, [](const KnownVoice& a, const KnownVoice& b) {
    return std::tie(a.speaker, a.speech_ms, a.voice) < std::tie(b.speaker, b.speech_ms, b.voice);
  });
  return known;
}

std::map<IdentityKey, Voice> MeansOf(const MatchQuestion& question, const IdentityRules& rules) {
  std::map<IdentityKey, Voice> means;
  for (const KnownVoice& known : InOrder(question.known)) {
    if (known.video == question.video && !known.enrolled) continue;
    if (Comparable(known, question.model_hash, rules)) Add(means[KeyOf(known)], known);
  }
  for (auto& [key, mean] : means) Normalise(mean);
  return means;
}

struct Choice {
  Match match;
  IdentityKey key;
};

std::optional<Choice> Choose(const VoiceToMatch& voice, const std::map<IdentityKey, Voice>& means,
                             const MatchQuestion& question, const IdentityRules& rules) {
  double best = -1;
  double second = -1;
  const IdentityKey* chosen = nullptr;
  for (const auto& [key, mean] : means) {
    const bool is_person = !key.first;
    if (is_person && question.rejected.contains({voice.speaker, PersonId::FromTrusted(key.second)}))
      continue;
    const double score = Dot(voice.voice, mean);
    if (score > best) {
      second = best;
      best = score;
      chosen = &key;
    } else {
      second = std::max(second, score);
    }
  }
  if (chosen == nullptr || best < rules.threshold || best - second < rules.margin) {
    return std::nullopt;
  }
  Choice choice{{voice.speaker, {}, {}, best, second}, *chosen};
  if (chosen->first) {
    choice.match.other = SpeakerId::FromTrusted(chosen->second);
  } else {
    choice.match.person = PersonId::FromTrusted(chosen->second);
    if (question.withheld.contains(*choice.match.person)) return std::nullopt;
  }
  return choice;
}

}  // namespace

std::vector<Match> MatchVoices(const MatchQuestion& question, const IdentityRules& rules) {
  const std::map<IdentityKey, Voice> means = MeansOf(question, rules);
  std::vector<Choice> choices;
  for (const VoiceToMatch& voice : question.voices) {
    if (voice.speech_ms < rules.speech_ms_min) continue;
    if (auto choice = Choose(voice, means, question, rules)) choices.push_back(*choice);
  }
  std::ranges::sort(choices, [](const Choice& a, const Choice& b) {
    if (a.match.score != b.match.score) return a.match.score > b.match.score;
    return a.match.speaker < b.match.speaker;
  });
  std::set<IdentityKey> given;
  std::vector<Match> matches;
  for (const Choice& choice : choices) {
    if (given.insert(choice.key).second) matches.push_back(choice.match);
  }
  std::ranges::sort(matches, {}, &Match::speaker);
  return matches;
}

std::optional<double> ScoreAgainst(const VoiceToMatch& voice, const std::string& model_hash,
                                   const std::vector<KnownVoice>& others,
                                   const IdentityRules& rules) {
  Voice mean{};
  bool any = false;
  for (const KnownVoice& known : InOrder(others)) {
    if (!Comparable(known, model_hash, rules)) continue;
    Add(mean, known);
    any = true;
  }
  if (!any) return std::nullopt;
  Normalise(mean);
  return Dot(voice.voice, mean);
}

}  // namespace narralytica::speakers
