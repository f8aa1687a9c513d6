// The nearest vectors of a committed state, by an exact scan over several threads.
#pragma once

#include <span>

#include "base/deadline.hpp"
#include "index/embedded/committed_state.hpp"
#include "index/index.hpp"
#include "index/vector_scan.hpp"

namespace narralytica::index {

struct VectorSearch {
  const CommittedState& state;
  const ScanQuery& query;
  uint32_t hits_max = 0;
  int threads = 1;
};

// Over the rows of `ranges` that have a vector. The result does not depend on the threads.
Result<VectorHits> FindNearest(const VectorSearch& search, std::span<const PlaceRange> ranges,
                               const Deadline& deadline);

// Better score first, then the smaller ref: the order of every list of hits.
inline bool BetterHit(const Hit& a, const Hit& b) {
  return a.score != b.score ? a.score > b.score : a.ref < b.ref;
}

}  // namespace narralytica::index
