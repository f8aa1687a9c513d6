// The legs of one search over one reader, and the ranking of what they found.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "index/embedder.hpp"
#include "index/index.hpp"
#include "search/query_plan.hpp"
#include "search/ranking.hpp"
#include "search/searcher.hpp"

namespace narralytica::search {

// Candidates that each leg hands to the ranking. Text hits beyond follow in the order of the text
// leg alone. Inside one recording all of it is ranked, up to about two days of speech.
inline constexpr uint32_t kTextCandidatesMax = 1000;
inline constexpr uint32_t kVectorCandidatesMax = 500;
inline constexpr uint32_t kCandidatesWithinVideoMax = 20'000;

// One use per search. Not thread-safe.
class Legs {
 public:
  struct Parts {
    index::Reader& reader;
    index::Embedder* embedder;
    const QueryPlan& plan;
    const index::Filter& filter;
    Mode mode;
  };
  explicit Legs(Parts parts);

  // Runs what the mode asks for. An embedder or vectors that are not there are noted in `report`,
  // unless the mode is semantic: then kUnavailable.
  Status Run(const Deadline& deadline);

  // The candidates of all legs that ran, best first.
  Result<std::vector<RankedSegment>> Ranked();
  // Up to `count` text hits that are no candidates any more, in the order of the text leg.
  Result<std::vector<index::Hit>> TextHitsBeyond(uint32_t count);

  // Text matches that are no candidates: at least so many, and whether that is exact.
  uint64_t text_beyond_min() const;
  bool text_is_complete() const;
  bool degraded() const { return degraded_; }
  const std::vector<Leg>& report() const { return report_; }
  // The legs' own scores of a segment.
  Score ScoreOf(index::SegmentRef ref) const;

 private:
  struct Scored {
    float score = 0;
    uint32_t rank = 0;  // from 1
  };

  Status RunText();
  Status RunVector(const Deadline& deadline);
  Status NearestTo(const index::QueryVector& query, Leg& leg, const Deadline& deadline);
  Result<index::QueryVector> EmbedQuery(const Deadline& deadline) const;
  Status WithoutVector(Leg& leg, Error why);
  bool IsCandidate(index::SegmentRef ref) const;
  std::vector<index::SegmentRef> Candidates() const;
  std::vector<Neighbour> AroundCandidates() const;
  Status ScoreMissing(std::vector<Neighbour>& neighbours);

  Parts parts_;
  const RankingWeights& weights_;
  uint32_t text_max_;
  uint32_t vector_max_;
  LegsRun ran_;
  bool degraded_ = false;
  std::vector<Leg> report_;
  index::TextHits text_;
  std::optional<index::QueryVector> query_vector_;
  std::map<index::SegmentRef, Scored> by_text_;
  std::map<index::SegmentRef, Scored> by_vector_;
};

}  // namespace narralytica::search
