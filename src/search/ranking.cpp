#include "search/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace narralytica::search {
namespace {

using index::SegmentRef;

constexpr size_t kPriorSegments = 3;

float Normalized(float value, float low, float high) {
  return high > low ? std::clamp((value - low) / (high - low), 0.0f, 1.0f) : 0.0f;
}

// Smoothed values of every neighbour. Places missing from the list repeat the nearest one there is.
std::vector<float> Smooth(std::span<const Neighbour> all, std::span<const float> values,
                          Smoothing smoothing) {
  std::vector<float> smoothed(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    float sum = values[i];
    float weights = 1;
    for (const int direction : {-1, 1}) {
      float weight = 1;
      size_t at = i;
      for (int d = 1; d <= smoothing.reach; ++d) {
        weight *= smoothing.decay;
        const size_t next = at + static_cast<size_t>(direction);
        const bool inside =
            next < values.size() && all[next].ref.video == all[at].ref.video &&
            all[next].ref.place == all[at].ref.place + static_cast<uint32_t>(direction);
        if (inside) at = next;
        sum += weight * values[at];
        weights += weight;
      }
    }
    smoothed[i] = sum / weights;
  }
  return smoothed;
}

// To 0..1 over the candidates, from `low`.
void Normalize(std::span<const Neighbour> all, float low, std::vector<float>& values) {
  float high = low;
  for (size_t i = 0; i < values.size(); ++i) {
    if (all[i].candidate) high = std::max(high, values[i]);
  }
  for (float& value : values) value = Normalized(value, low, high);
}

std::map<uint32_t, float> Priors(std::span<const Neighbour> all, std::span<const float> values) {
  std::map<uint32_t, std::vector<float>> by_video;
  for (size_t i = 0; i < all.size(); ++i) by_video[all[i].ref.video].push_back(values[i]);
  std::map<uint32_t, float> priors;
  for (auto& [video, scores] : by_video) {
    std::sort(scores.begin(), scores.end(), std::greater<>());
    float sum = 0;
    for (size_t i = 0; i < std::min(kPriorSegments, scores.size()); ++i) sum += scores[i];
    priors[video] = sum / kPriorSegments;
  }
  return priors;
}

bool Better(const RankedSegment& a, const RankedSegment& b) {
  return a.combined != b.combined ? a.combined > b.combined : a.ref < b.ref;
}

// Adds up weighted scores per neighbour.
class Sum {
 public:
  explicit Sum(size_t size) : combined_(size, 0), own_(size, 0) {}
  void AddOwn(std::span<const float> values, float weight) {
    Add(values, weight, combined_);
    Add(values, weight, own_);
    own_total_ += weight;
    total_ += weight;
  }
  void AddLent(std::span<const float> values, float weight) {
    Add(values, weight, combined_);
    total_ += weight;
  }
  RankedSegment At(size_t i, SegmentRef ref) const {
    return {ref, combined_[i] / total_, own_[i] / own_total_};
  }

 private:
  static void Add(std::span<const float> values, float weight, std::vector<float>& to) {
    for (size_t i = 0; i < values.size(); ++i) to[i] += weight * values[i];
  }
  std::vector<float> combined_;
  std::vector<float> own_;
  float total_ = 0;
  float own_total_ = 0;
};

void AddText(std::span<const Neighbour> all, const RankingWeights& weights, Sum& sum) {
  std::vector<float> own;
  for (const Neighbour& neighbour : all) own.push_back(neighbour.text);
  std::vector<float> smoothed = Smooth(all, own, weights.text_smoothing);
  std::vector<float> near = Smooth(all, own, weights.prior_smoothing);
  Normalize(all, 0, own);
  Normalize(all, 0, smoothed);
  Normalize(all, 0, near);
  sum.AddOwn(own, weights.text);
  sum.AddLent(smoothed, weights.text_smoothed);
  if (weights.recording_prior == 0) return;
  const auto priors = Priors(all, near);
  std::vector<float> prior;
  for (const Neighbour& neighbour : all) prior.push_back(priors.at(neighbour.ref.video));
  sum.AddLent(prior, weights.recording_prior);
}

void AddVector(std::span<const Neighbour> all, float lowest, const RankingWeights& weights,
               Sum& sum) {
  std::vector<float> own;
  for (const Neighbour& neighbour : all) own.push_back(neighbour.vector.value_or(lowest));
  std::vector<float> smoothed = Smooth(all, own, weights.vector_smoothing);
  Normalize(all, lowest, own);
  Normalize(all, lowest, smoothed);
  sum.AddOwn(own, weights.vector);
  sum.AddLent(smoothed, weights.vector_smoothed);
}

}  // namespace

std::vector<RankedSegment> Rank(std::span<const Neighbour> neighbours, const LegsRun& legs,
                                const RankingWeights& weights) {
  NRL_ASSERT(legs.text || legs.vector);
  Sum sum(neighbours.size());
  if (legs.text) AddText(neighbours, weights, sum);
  if (legs.vector) AddVector(neighbours, legs.vector_lowest, weights, sum);
  std::vector<RankedSegment> ranked;
  for (size_t i = 0; i < neighbours.size(); ++i) {
    if (neighbours[i].candidate) ranked.push_back(sum.At(i, neighbours[i].ref));
  }
  std::sort(ranked.begin(), ranked.end(), Better);
  return ranked;
}

std::vector<RankedSegment> ToPassages(std::span<const RankedSegment> ranked, uint32_t spacing) {
  if (spacing == 0) return {ranked.begin(), ranked.end()};
  std::map<SegmentRef, const RankedSegment*> by_ref;
  for (const RankedSegment& segment : ranked) by_ref[segment.ref] = &segment;
  std::vector<RankedSegment> passages;
  std::set<SegmentRef> taken;
  const auto near_taken = [&](SegmentRef ref) {
    const uint32_t first = ref.place - std::min(ref.place, spacing);
    const auto at = taken.lower_bound({ref.video, first});
    return at != taken.end() && at->video == ref.video && at->place <= ref.place + spacing;
  };
  for (const RankedSegment& segment : ranked) {
    if (near_taken(segment.ref)) continue;
    const RankedSegment* landing = &segment;
    for (const uint32_t place : {segment.ref.place - 1, segment.ref.place + 1}) {
      const auto beside = by_ref.find({segment.ref.video, place});
      if (beside == by_ref.end() || near_taken(beside->first)) continue;
      if (beside->second->own > landing->own) landing = beside->second;
    }
    taken.insert(landing->ref);
    passages.push_back({landing->ref, segment.combined, landing->own});
  }
  return passages;
}

}  // namespace narralytica::search
