#include "speakers/linkage.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "speakers/voice_pooling.hpp"

namespace narralytica::speakers {
namespace {

struct Merge {
  size_t a, b;  // members, one of each side
  float distance;
};

// The lower triangle of the distances between clusters, each named by one of its members.
class Distances {
 public:
  explicit Distances(std::span<const Voice> voices)
      : cells_(voices.size() * (voices.size() - 1) / 2) {
    for (size_t i = 1; i < voices.size(); ++i) {
      for (size_t j = 0; j < i; ++j) At(i, j) = std::max(0.0f, 1 - Dot(voices[i], voices[j]));
    }
  }
  float& At(size_t i, size_t j) {
    if (i < j) std::swap(i, j);
    return cells_[i * (i - 1) / 2 + j];
  }

 private:
  std::vector<float> cells_;
};

// All merges, in the order in which the chains find them.
std::vector<Merge> Merges(std::span<const Voice> voices, std::span<const size_t> weights) {
  const size_t count = voices.size();
  Distances distances(voices);
  std::vector<double> sizes(weights.begin(), weights.end());
  std::vector<bool> alive(count, true);
  std::vector<size_t> chain;
  std::vector<Merge> merges;
  while (merges.size() + 1 < count) {
    if (chain.empty()) {
      chain.push_back(size_t(std::ranges::find(alive, true) - alive.begin()));
    }
    const size_t last = chain.back();
    // The one before wins a tie, so that the chain ends.
    size_t nearest = chain.size() > 1 ? chain[chain.size() - 2] : count;
    float least =
        nearest < count ? distances.At(last, nearest) : std::numeric_limits<float>::infinity();
    for (size_t other = 0; other < count; ++other) {
      if (!alive[other] || other == last) continue;
      if (const float distance = distances.At(last, other); distance < least) {
        least = distance;
        nearest = other;
      }
    }
    if (chain.size() < 2 || nearest != chain[chain.size() - 2]) {
      chain.push_back(nearest);
      continue;
    }
    chain.resize(chain.size() - 2);
    merges.push_back({last, nearest, least});
    const double total = sizes[last] + sizes[nearest];
    for (size_t other = 0; other < count; ++other) {
      if (!alive[other] || other == last || other == nearest) continue;
      const double joined = double(distances.At(last, other)) * sizes[last] +
                            double(distances.At(nearest, other)) * sizes[nearest];
      distances.At(last, other) = float(joined / total);
    }
    sizes[last] = total;
    alive[nearest] = false;
  }
  return merges;
}

class Union {
 public:
  explicit Union(size_t count) : parents_(count) {
    std::iota(parents_.begin(), parents_.end(), size_t{0});
  }
  size_t Root(size_t i) {
    while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
    return i;
  }
  void Join(size_t a, size_t b) { parents_[Root(a)] = Root(b); }

 private:
  std::vector<size_t> parents_;
};

std::vector<size_t> ClusterBlock(std::span<const Voice> voices, std::span<const size_t> weights,
                                 const LinkageLimits& limits) {
  if (voices.empty()) return {};
  std::vector<Merge> merges = Merges(voices, weights);
  std::ranges::sort(merges, {},
                    [](const Merge& it) { return std::tuple(it.distance, it.a, it.b); });
  Union clusters(voices.size());
  size_t left = voices.size();
  for (const Merge& merge : merges) {
    if (left <= limits.clusters_min || merge.distance > limits.distance_max) break;
    clusters.Join(merge.a, merge.b);
    --left;
  }
  std::vector<size_t> names(voices.size(), voices.size());
  std::vector<size_t> labels;
  size_t next = 0;
  for (size_t i = 0; i < voices.size(); ++i) {
    size_t& name = names[clusters.Root(i)];
    if (name == voices.size()) name = next++;
    labels.push_back(name);
  }
  return labels;
}

}  // namespace

std::vector<size_t> Cluster(std::span<const Voice> voices, const LinkageLimits& limits) {
  const std::vector<size_t> ones(voices.size(), 1);
  if (voices.size() <= limits.block) return ClusterBlock(voices, ones, limits);
  std::vector<size_t> labels;  // into means
  std::vector<Voice> means;
  std::vector<size_t> sizes;
  for (size_t begin = 0; begin < voices.size(); begin += limits.block) {
    const auto block = voices.subspan(begin, std::min(limits.block, voices.size() - begin));
    const size_t first = means.size();
    for (const size_t label : ClusterBlock(block, std::span(ones).first(block.size()), limits)) {
      if (first + label == means.size()) {
        means.emplace_back();
        sizes.push_back(0);
      }
      const Voice& voice = voices[labels.size()];
      Voice& mean = means[first + label];
      for (size_t d = 0; d < voice.size(); ++d) mean[d] += voice[d];
      ++sizes[first + label];
      labels.push_back(first + label);
    }
  }
  for (Voice& mean : means) Normalise(mean);
  LinkageLimits whole = limits;
  whole.block = std::max(limits.block, means.size());
  const std::vector<size_t> joined = ClusterBlock(means, sizes, whole);
  for (size_t& label : labels) label = joined[label];
  return labels;
}

}  // namespace narralytica::speakers
