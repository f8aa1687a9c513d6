// Agglomerative clustering with average linkage on the cosine distance (Sokal and Michener 1958),
// by nearest-neighbour chains (Benzécri 1982): time and memory grow with the square of the number.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "speakers/voice_chunk.hpp"

namespace narralytica::speakers {

struct LinkageLimits {
  float distance_max = 0;   // 1 - cosine, of what is merged
  size_t clusters_min = 1;  // merges end there whatever the distance
  // More are clustered in blocks of so many, then the blocks' clusters by their means.
  size_t block = 4'000;
};

// The cluster of each voice, 0, 1, ... in order of first appearance. Voices are of length 1.
std::vector<size_t> Cluster(std::span<const Voice> voices, const LinkageLimits& limits);

}  // namespace narralytica::speakers
