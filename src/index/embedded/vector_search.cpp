#include "index/embedded/vector_search.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

namespace narralytica::index {
namespace {

constexpr uint32_t kTaskRows = 2048;            // about the L2 cache at 384 dimensions
constexpr uint64_t kRowsWorthAThread = 16'384;  // below, starting a thread costs more than it saves

// The best `hits_max` hits seen, as a heap with the worst on top.
class BestHits {
 public:
  explicit BestHits(uint32_t hits_max) : hits_max_(hits_max) {}
  void Offer(const Hit& hit) {
    lowest_ = std::min(lowest_, hit.score);
    ++seen_;
    if (heap_.size() < hits_max_) {
      heap_.push_back(hit);
      std::push_heap(heap_.begin(), heap_.end(), BetterHit);
    } else if (hits_max_ > 0 && BetterHit(hit, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), BetterHit);
      heap_.back() = hit;
      std::push_heap(heap_.begin(), heap_.end(), BetterHit);
    }
  }
  const std::vector<Hit>& heap() const { return heap_; }
  float lowest() const { return lowest_; }
  uint64_t seen() const { return seen_; }

 private:
  uint32_t hits_max_;
  std::vector<Hit> heap_;
  float lowest_ = std::numeric_limits<float>::max();
  uint64_t seen_ = 0;
};

void ScanTask(const VectorSearch& search, const PlaceRange& task, std::vector<float>& scores,
              BestHits& best) {
  const ScanRows& vectors = search.state.section(task.run).vectors;
  const size_t dimension = search.query.values.size();
  scores.resize(task.count);
  const ScanRows rows{vectors.scales.subspan(task.first, task.count),
                      vectors.values + size_t{task.first} * dimension};
  ScoreRows(search.query, rows, scores);
  for (uint32_t i = 0; i < task.count; ++i) {
    if (rows.scales[i] > 0) best.Offer({{task.run, task.first + i}, scores[i]});
  }
}

std::vector<PlaceRange> Tasks(const CommittedState& state, std::span<const PlaceRange> ranges) {
  std::vector<PlaceRange> tasks;
  for (const PlaceRange& range : ranges) {
    if (!state.manifest().runs[range.run].has_vectors) continue;
    for (uint32_t done = 0; done < range.count; done += kTaskRows) {
      tasks.push_back({range.run, range.first + done, std::min(kTaskRows, range.count - done)});
    }
  }
  return tasks;
}

}  // namespace

Result<VectorHits> FindNearest(const VectorSearch& search, std::span<const PlaceRange> ranges,
                               const Deadline& deadline) {
  const std::vector<PlaceRange> tasks = Tasks(search.state, ranges);
  uint64_t rows = 0;
  for (const PlaceRange& task : tasks) rows += task.count;
  const auto useful = static_cast<size_t>(rows / kRowsWorthAThread + 1);
  const size_t threads = std::min<size_t>(useful, static_cast<size_t>(std::max(search.threads, 1)));

  std::atomic<size_t> next = 0;
  std::vector<BestHits> found(threads, BestHits(search.hits_max));
  const auto work = [&](size_t worker) {
    std::vector<float> scores;
    for (size_t task = next++; task < tasks.size(); task = next++) {
      if (deadline.expired() || deadline.stopped()) return;
      ScanTask(search, tasks[task], scores, found[worker]);
    }
  };
  {
    std::vector<std::jthread> others;
    for (size_t i = 1; i < threads; ++i) others.emplace_back(work, i);
    work(0);
  }
  NRL_CHECK(deadline.Check("the vector search"));

  VectorHits hits;
  float lowest = std::numeric_limits<float>::max();
  for (const BestHits& part : found) {
    hits.hits.insert(hits.hits.end(), part.heap().begin(), part.heap().end());
    lowest = std::min(lowest, part.lowest());
    hits.scanned += part.seen();
  }
  std::sort(hits.hits.begin(), hits.hits.end(), BetterHit);
  if (hits.hits.size() > search.hits_max) hits.hits.resize(search.hits_max);
  hits.lowest = hits.scanned > 0 ? lowest : 0;
  return hits;
}

}  // namespace narralytica::index
