// Ranking: how the scores of the legs become one order.
//
// A convex combination of min-max scores: of each leg, of each leg smoothed over neighbouring
// segments of the same recording, and, when several recordings are searched, of a prior of the
// recording. Pure functions; the same input gives the same order on every machine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/index.hpp"

namespace narralytica::search {

// S(x, decay, reach) = sum over d = -reach..reach of decay^|d| * x(place + d), divided by the sum
// of the weights; beyond the first and the last segment of a recording their values repeat.
struct Smoothing {
  float decay;
  int reach;
};

// Weights of one search scope.
struct RankingWeights {
  index::Bm25 bm25;
  float text;
  float text_smoothed;
  Smoothing text_smoothing;
  float vector;
  float vector_smoothed;
  Smoothing vector_smoothing;
  float recording_prior;  // of the mean of the recording's three best smoothed text scores
  Smoothing prior_smoothing;
};

// Where the weights come from: chosen on 60 training meetings of QMSum, windows of eight turns,
// and rounded; any one halved or doubled moves nDCG@10 by at most .009. The term for speakers that
// the query names joins here once segments have speakers.
inline constexpr RankingWeights kWithinVideo{
    .bm25 = {.k1 = .4f, .b = .5f},
    .text = 1,
    .text_smoothed = .7f,
    .text_smoothing = {.8f, 5},
    .vector = .6f,
    .vector_smoothed = .6f,
    .vector_smoothing = {.5f, 3},
    .recording_prior = 0,
    .prior_smoothing = {.3f, 1},
};
inline constexpr RankingWeights kOverVideos{
    .bm25 = {.k1 = .8f, .b = .5f},
    .text = 1,
    .text_smoothed = .4f,
    .text_smoothing = {.8f, 5},
    .vector = .6f,
    .vector_smoothed = .5f,
    .vector_smoothing = {.5f, 3},
    .recording_prior = .5f,
    .prior_smoothing = {.3f, 1},
};

// A segment near a candidate, with its scores in each leg. A list of them is sorted by ref and
// holds, around every candidate, its neighbours within kNeighbourReach as far as the recording
// goes.
struct Neighbour {
  index::SegmentRef ref;
  bool candidate = false;  // may be a hit; the others only lend their scores
  float text = 0;
  std::optional<float> vector;  // nullopt: the segment has none, or the leg did not run
};
inline constexpr int kNeighbourReach = 5;

struct RankedSegment {
  index::SegmentRef ref;
  float combined = 0;  // 0 to 1
  float own = 0;       // the same without what neighbours lend
};

struct LegsRun {
  bool text = false;
  bool vector = false;
  float vector_lowest = 0;  // of all vectors under the filter
};

// The candidates, best first; equal scores by ref.
std::vector<RankedSegment> Rank(std::span<const Neighbour> neighbours, const LegsRun& legs,
                                const RankingWeights& weights);

// Makes passages of a ranking: each hit moves to the better of itself and its direct neighbours by
// `own` score, and what lies within `spacing` segments of a better hit is left out. With spacing 0
// the ranking stays as it is.
std::vector<RankedSegment> ToPassages(std::span<const RankedSegment> ranked, uint32_t spacing);

}  // namespace narralytica::search
