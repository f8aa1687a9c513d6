#include "speakers/turns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "speakers/voice_pooling.hpp"

namespace narralytica::speakers {
namespace {

constexpr float kVoiceShare = 0.9f;     // the rest is the tracks'
constexpr float kSharpness = 16;        // of the softmax over cosines
constexpr double kFrameStartMs = 22.5;  // of frame 0: its centre, less half a frame
constexpr double kFrameMs = kFrameSeconds * 1'000;
constexpr size_t kActiveMax = kTracks;

using Match = std::array<int, kTracks>;  // the voice of each track of a window; -1: none

// The assignment of tracks to different voices with the greatest sum of cosines. Only the kTracks
// nearest voices of a track can be in it.
class Matching {
 public:
  Matching(const std::array<TrackVoice, kTracks>& window, const std::vector<Voice>& voices) {
    size_t heard = 0;
    for (size_t track = 0; track < kTracks; ++track) {
      if (Dot(window[track].voice, window[track].voice) == 0) continue;
      ++heard;
      auto& candidates = candidates_[track];
      for (size_t i = 0; i < voices.size(); ++i) {
        candidates.push_back({Dot(window[track].voice, voices[i]), int(i)});
      }
      std::ranges::sort(candidates, {},
                        [](const Candidate& it) { return std::pair(-it.cosine, it.voice); });
      candidates.resize(std::min(candidates.size(), kTracks));
    }
    wanted_ = std::min(heard, voices.size());
    Match none;
    none.fill(-1);
    Try(0, none, 0, 0);
  }
  const Match& best() const { return best_; }

 private:
  struct Candidate {
    float cosine;
    int voice;
  };

  void Try(size_t track, Match match, size_t matched, float sum) {
    if (track == kTracks) {
      if (matched == wanted_ && sum > best_sum_) {
        best_sum_ = sum;
        best_ = match;
      }
      return;
    }
    for (const Candidate& candidate : candidates_[track]) {
      if (std::ranges::find(match, candidate.voice) != match.end()) continue;
      Match with = match;
      with[track] = candidate.voice;
      Try(track + 1, with, matched + 1, sum + candidate.cosine);
    }
    Try(track + 1, match, matched, sum);
  }

  std::array<std::vector<Candidate>, kTracks> candidates_;
  size_t wanted_ = 0;
  float best_sum_ = -1e9f;
  Match best_ = {-1, -1, -1};
};

// The share of each voice at each sliding voice.
class Shares {
 public:
  Shares(const Heard& heard, const std::vector<Voice>& voices) : voices_(voices.size()) {
    std::vector<float> cosines(voices.size());
    for (const SlidingVoice& sliding : heard.sliding()) {
      for (size_t i = 0; i < voices.size(); ++i) {
        cosines[i] = sliding.voice.empty() ? 0 : sliding.voice.Dot(voices[i]);
      }
      const float most = std::ranges::max(cosines);
      float sum = 0;
      for (float& cosine : cosines) sum += cosine = std::exp(kSharpness * (cosine - most));
      for (const float power : cosines) shares_.push_back(power / sum);
    }
  }
  float At(int64_t centre, size_t voice) const {
    return shares_.empty() ? 1 / float(voices_) : shares_[size_t(centre) * voices_ + voice];
  }

 private:
  const size_t voices_;
  std::vector<float> shares_;
};

struct FrameRange {
  int64_t first, last;  // half-open
  double share;         // summed over the frames
};

class TurnMaker {
 public:
  TurnMaker(const Heard& heard, const std::vector<Voice>& voices, const TurnRules& rules)
      : heard_(heard),
        rules_(rules),
        shares_(heard, voices),
        scores_(voices.size()),
        runs_(voices.size()) {
    for (const auto& window : heard.windows()) {
      matches_.push_back(Matching(window, voices).best());
    }
  }

  std::vector<Turn> Make() {
    const int64_t frames = heard_.grid().frames();
    anybody_.resize(size_t(frames) + 1);
    for (int64_t frame = 0; frame < frames; ++frame) MarkFrame(frame);
    for (size_t i = 1; i < anybody_.size(); ++i) anybody_[i] += anybody_[i - 1];
    std::vector<Turn> turns;
    for (size_t voice = 0; voice < runs_.size(); ++voice) TakeTurns(voice, turns);
    std::ranges::sort(turns, {},
                      [](const Turn& it) { return std::pair(it.range.start_ms, it.speaker); });
    return turns;
  }

 private:
  // A voice for each of the speakers whom the frame has.
  void MarkFrame(int64_t frame) {
    const float speaking = heard_.Speaking(frame);
    const size_t active =
        std::min({size_t(std::floor(speaking + 0.5f)), kActiveMax, scores_.size()});
    if (active == 0) return;
    Score(frame, speaking);
    std::vector<size_t> order(scores_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](size_t i) { return std::pair(-scores_[i], i); });
    const int64_t centre = CentreOfFrame(frame, heard_.grid());
    for (size_t i = 0; i < active && scores_[order[i]] > 0; ++i) {
      auto& runs = runs_[order[i]];
      const double share = double(shares_.At(centre, order[i]));
      if (!runs.empty() && runs.back().last == frame) {
        ++runs.back().last;
        runs.back().share += share;
      } else {
        runs.push_back({frame, frame + 1, share});
      }
      anybody_[size_t(frame) + 1] = 1;
    }
  }

  void Score(int64_t frame, float speaking) {
    const int64_t centre = CentreOfFrame(frame, heard_.grid());
    for (size_t voice = 0; voice < scores_.size(); ++voice) {
      scores_[voice] = kVoiceShare * speaking * shares_.At(centre, voice);
    }
    const int64_t covering = std::max<int64_t>(1, heard_.grid().Covering(frame));
    const int64_t last = std::min(frame / kStepFrames, heard_.grid().windows() - 1);
    for (int64_t window = last; window >= 0; --window) {
      const int64_t inside = frame - window * kStepFrames;
      if (inside >= kWindowFrames) break;
      for (size_t track = 0; track < kTracks; ++track) {
        const int voice = matches_[size_t(window)][track];
        if (voice < 0) continue;
        scores_[size_t(voice)] +=
            (1 - kVoiceShare) * heard_.Track(window, inside, track) / float(covering);
      }
    }
  }

  void TakeTurns(size_t voice, std::vector<Turn>& turns) const {
    std::optional<FrameRange> open;
    const auto close = [&] {
      if (!open) return;
      const auto at = [](int64_t frame) {
        return std::llround(kFrameStartMs + double(frame) * kFrameMs);
      };
      const TimeRange range{at(open->first), at(open->last)};
      const double share = open->share / double(open->last - open->first);
      if (range.end_ms - range.start_ms >= rules_.turn_ms_min) {
        turns.push_back({voice, range, std::clamp(share, 0.0, 1.0)});
      }
    };
    for (const FrameRange& run : runs_[voice]) {
      const bool near =
          open && double(run.first - open->last) * kFrameMs <= double(rules_.joined_gap_ms);
      const bool quiet = near && anybody_[size_t(run.first)] == anybody_[size_t(open->last)];
      if (quiet) {
        // The gap counts as surely as what is around it.
        open->share += run.share + open->share / double(open->last - open->first) *
                                       double(run.first - open->last);
        open->last = run.last;
        continue;
      }
      close();
      open = run;
    }
    close();
  }

  const Heard& heard_;
  const TurnRules rules_;
  const Shares shares_;
  std::vector<Match> matches_;
  std::vector<float> scores_;
  std::vector<std::vector<FrameRange>> runs_;  // by voice
  std::vector<int64_t> anybody_;               // frames before each one in which somebody speaks
};

}  // namespace

std::vector<Turn> MakeTurns(const Heard& heard, const std::vector<Voice>& voices,
                            const TurnRules& rules) {
  if (voices.empty()) return {};
  return TurnMaker(heard, voices, rules).Make();
}

std::string ToRttm(std::string_view recording, const std::vector<Turn>& turns,
                   const std::vector<std::string>& names) {
  std::string text;
  for (const Turn& turn : turns) {
    text +=
        fmt::format("SPEAKER {} 1 {:.3f} {:.3f} <NA> <NA> {} <NA> <NA>\n", recording,
                    double(turn.range.start_ms) / 1'000,
                    double(turn.range.end_ms - turn.range.start_ms) / 1'000, names[turn.speaker]);
  }
  return text;
}

}  // namespace narralytica::speakers
