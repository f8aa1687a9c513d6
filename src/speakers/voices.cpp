#include "speakers/voices.hpp"

#include <algorithm>
#include <limits>

#include "speakers/linkage.hpp"
#include "speakers/voice_pooling.hpp"

namespace narralytica::speakers {
namespace {

constexpr std::array<float, 3> kCleanSeconds{2.0f, 0.5f, 0.0f};  // the first that two tracks have
constexpr float kDistanceMax = 0.55f;
constexpr float kAlikeMin = 0.55f;   // cosine of two that are one
constexpr float kApartMax = 0.40f;   // of the halves of one that is two
constexpr double kSecondsMin = 2.0;  // of a speaker
constexpr double kMeanSecondsMin = 0.8;
constexpr float kSureWeight = 0.5f;
constexpr int kRoundsMax = 60;        // beside one for each of the first voices
constexpr size_t kDroppedShare = 16;  // one in so many goes in a round, at least one
constexpr size_t kSplitSample = 800;  // sliding voices that a split looks at
constexpr int kSplitRounds = 10;
constexpr double kCentreSeconds =
    double(kHopVoiceFrames * kVoiceFrameSamples) / double(kSampleRate);

void AddScaled(Voice& sum, const PackedVoice& voice, float weight) {
  const float scale = voice.scale * weight;
  for (size_t d = 0; d < sum.size(); ++d) sum[d] += scale * float(voice.values[d]);
}

void AddScaled(Voice& sum, const Voice& voice, float weight) {
  for (size_t d = 0; d < sum.size(); ++d) sum[d] += weight * voice[d];
}

// What the sliding voices say of some speakers.
struct Vote {
  std::vector<Voice> voices;    // the means of those who voted for each
  std::vector<double> seconds;  // in which surely one voice alone is active
  std::vector<int> chosen;      // by each sliding voice; -1: none
};

class VoiceFinder {
 public:
  VoiceFinder(const Heard& heard, const VoiceCount& count) : heard_(heard), count_(count) {}

  std::vector<Voice> Find() {
    std::vector<Voice> voices = FirstVoices();
    if (voices.empty()) return voices;
    const int rounds = kRoundsMax + int(voices.size());
    for (int round = 0; round < rounds; ++round) {
      Vote vote = Ask(voices);
      if (DropSmallest(vote) || JoinAlike(vote)) {
        voices = std::move(vote.voices);
        continue;
      }
      voices = std::move(vote.voices);
      if (voices.size() >= count_.most || !SplitOne(voices, vote)) break;
    }
    return voices;
  }

 private:
  std::vector<Voice> FirstVoices() const;
  Vote Ask(const std::vector<Voice>& voices) const;
  bool DropSmallest(Vote& vote) const;
  bool JoinAlike(Vote& vote) const;
  bool SplitOne(std::vector<Voice>& voices, const Vote& vote) const;
  std::array<Voice, 2> Halves(const std::vector<size_t>& members) const;

  const Heard& heard_;
  const VoiceCount count_;
};

std::vector<Voice> VoiceFinder::FirstVoices() const {
  std::vector<Voice> tracks;
  std::vector<float> weights;
  for (const float clean_s : kCleanSeconds) {
    tracks.clear();
    weights.clear();
    for (const auto& window : heard_.windows()) {
      for (const TrackVoice& track : window) {
        const bool heard = std::ranges::any_of(track.voice, [](float v) { return v != 0; });
        if (!heard || track.clean_s < clean_s) continue;
        tracks.push_back(track.voice);
        weights.push_back(track.clean_s + 1e-3f);
      }
    }
    if (tracks.size() >= 2) break;
  }
  const auto labels = Cluster(tracks, {kDistanceMax, count_.least});
  std::vector<Voice> voices;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == voices.size()) voices.emplace_back();
    AddScaled(voices[labels[i]], tracks[i], weights[i]);
  }
  for (Voice& voice : voices) Normalise(voice);
  return voices;
}

Vote VoiceFinder::Ask(const std::vector<Voice>& voices) const {
  Vote vote;
  vote.voices.resize(voices.size());
  vote.seconds.resize(voices.size());
  for (const SlidingVoice& sliding : heard_.sliding()) {
    int chosen = -1;
    float nearest = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < voices.size() && !sliding.voice.empty(); ++i) {
      if (const float cosine = sliding.voice.Dot(voices[i]); cosine > nearest) {
        nearest = cosine;
        chosen = int(i);
      }
    }
    vote.chosen.push_back(chosen);
    if (chosen < 0 || sliding.weight <= kSureWeight) continue;
    vote.seconds[size_t(chosen)] += double(sliding.weight) * kCentreSeconds;
    AddScaled(vote.voices[size_t(chosen)], sliding.voice, sliding.weight);
  }
  for (size_t i = 0; i < voices.size(); ++i) {
    Normalise(vote.voices[i]);
    if (vote.seconds[i] <= kMeanSecondsMin) vote.voices[i] = voices[i];
  }
  return vote;
}

bool VoiceFinder::DropSmallest(Vote& vote) const {
  const double enough = std::min(kSecondsMin, std::ranges::max(vote.seconds));
  const size_t most = 1 + vote.voices.size() / kDroppedShare;
  size_t dropped = 0;
  for (; dropped < most && vote.voices.size() > count_.least; ++dropped) {
    const auto least = std::ranges::min_element(vote.seconds);
    if (*least >= enough) break;
    vote.voices.erase(vote.voices.begin() + (least - vote.seconds.begin()));
    vote.seconds.erase(least);
  }
  return dropped > 0;
}

// The two that are most alike, when they are one or there are too many.
bool VoiceFinder::JoinAlike(Vote& vote) const {
  std::vector<Voice>& voices = vote.voices;
  if (voices.size() <= std::max<size_t>(count_.least, 1)) return false;
  size_t first = 0, second = 0;
  float most = -2;
  for (size_t i = 0; i < voices.size(); ++i) {
    for (size_t j = i + 1; j < voices.size(); ++j) {
      if (const float cosine = Dot(voices[i], voices[j]); cosine > most) {
        most = cosine;
        first = i;
        second = j;
      }
    }
  }
  if (most <= kAlikeMin && voices.size() <= count_.most) return false;
  Voice joined{};
  AddScaled(joined, voices[first], float(vote.seconds[first]));
  AddScaled(joined, voices[second], float(vote.seconds[second]));
  Normalise(joined);
  voices.erase(voices.begin() + ptrdiff_t(second));
  voices.erase(voices.begin() + ptrdiff_t(first));
  voices.push_back(joined);
  return true;
}

bool VoiceFinder::SplitOne(std::vector<Voice>& voices, const Vote& vote) const {
  for (size_t i = 0; i < voices.size(); ++i) {
    std::vector<size_t> members;
    for (size_t s = 0; s < vote.chosen.size(); ++s) {
      if (vote.chosen[s] == int(i)) members.push_back(s);
    }
    if (double(members.size()) * kCentreSeconds < 2 * kSecondsMin) continue;
    const auto halves = Halves(members);
    std::vector<Voice> tried = voices;
    tried.erase(tried.begin() + ptrdiff_t(i));
    tried.insert(tried.end(), halves.begin(), halves.end());
    const Vote said = Ask(tried);
    const size_t a = tried.size() - 2;
    const size_t b = tried.size() - 1;
    const bool both = std::min(said.seconds[a], said.seconds[b]) >= kSecondsMin;
    if (!both || Dot(said.voices[a], said.voices[b]) >= kApartMax) continue;
    voices = said.voices;
    return true;
  }
  return false;
}

// Two means (Lloyd 1982), begun with the two that are farthest apart.
std::array<Voice, 2> VoiceFinder::Halves(const std::vector<size_t>& members) const {
  std::vector<Voice> sample;
  const size_t count = std::min(members.size(), kSplitSample);
  for (size_t i = 0; i < count; ++i) {
    Voice voice{};
    AddScaled(voice, heard_.sliding()[members[i * members.size() / count]].voice, 1);
    sample.push_back(voice);
  }
  std::array<size_t, 2> ends{0, 0};
  float least = 2;
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = i + 1; j < count; ++j) {
      if (const float cosine = Dot(sample[i], sample[j]); cosine < least) {
        least = cosine;
        ends = {i, j};
      }
    }
  }
  std::array<Voice, 2> halves{sample[ends[0]], sample[ends[1]]};
  for (int round = 0; round < kSplitRounds; ++round) {
    std::array<Voice, 2> sums{};
    for (const Voice& voice : sample) {
      AddScaled(sums[Dot(voice, halves[1]) > Dot(voice, halves[0]) ? 1 : 0], voice, 1);
    }
    for (size_t half = 0; half < 2; ++half) {
      Normalise(sums[half]);
      if (Dot(sums[half], sums[half]) > 0) halves[half] = sums[half];
    }
  }
  return halves;
}

}  // namespace

std::vector<Voice> FindVoices(const Heard& heard, const VoiceCount& count) {
  return VoiceFinder(heard, count).Find();
}

}  // namespace narralytica::speakers
