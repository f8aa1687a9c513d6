#include "search/legs.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace narralytica::search {
namespace {

using index::SegmentRef;

constexpr const char* kNotAsked = "the mode does not ask for it";

class Stopwatch {
 public:
  int64_t Ms() const {
    const auto took = std::chrono::steady_clock::now() - begin_;
    return std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

Legs::Legs(Parts parts)
    : parts_(parts),
      weights_(parts.filter.video_id ? kWithinVideo : kOverVideos),
      text_max_(parts.filter.video_id ? kCandidatesWithinVideoMax : kTextCandidatesMax),
      vector_max_(parts.filter.video_id ? kCandidatesWithinVideoMax : kVectorCandidatesMax) {}

Status Legs::Run(const Deadline& deadline) {
  if (parts_.mode != Mode::kSemantic || parts_.plan.binding) {
    NRL_CHECK(RunText());
  } else {
    report_.push_back({"lexical", false, kNotAsked, 0, 0, {}});
  }
  NRL_CHECK(deadline.Check("the search"));
  if (parts_.mode != Mode::kLexical) return RunVector(deadline);
  report_.push_back({"vector", false, kNotAsked, 0, 0, {}});
  return {};
}

Status Legs::RunText() {
  const Stopwatch watch;
  NRL_TRY(text_,
          parts_.reader.MatchText(parts_.plan.text, parts_.filter, weights_.bm25, text_max_));
  for (const index::Hit& hit : text_.hits) {
    by_text_[hit.ref] = {hit.score, static_cast<uint32_t>(by_text_.size() + 1)};
  }
  ran_.text = parts_.mode != Mode::kSemantic;
  report_.push_back({"lexical", true, {}, watch.Ms(), text_.hits.size(), {}});
  return {};
}

Status Legs::RunVector(const Deadline& deadline) {
  Leg leg{"vector", false, {}, 0, 0, {}};
  const Stopwatch watch;
  const index::ReaderInfo& info = parts_.reader.info();
  Status status;
  if (info.segments == 0) {
    leg.reason = "the index has no segments yet";
  } else if (info.model_hash.empty()) {
    status = WithoutVector(leg, {ErrorCode::kUnavailable,
                                 "the index has no vectors yet",
                                 "wait for the index job, or rebuild: `narralytica index rebuild`",
                                 {},
                                 {}});
  } else if (const auto query = EmbedQuery(deadline); !query) {
    status = WithoutVector(leg, query.error());
  } else {
    status = NearestTo(*query, leg, deadline);
  }
  leg.took_ms = watch.Ms();
  report_.push_back(std::move(leg));
  return status;
}

Result<index::QueryVector> Legs::EmbedQuery(const Deadline& deadline) const {
  if (parts_.embedder == nullptr) {
    return Fail(ErrorCode::kUnavailable, "no sentence encoder is set up",
                "start the engine: `narralytica doctor` says how");
  }
  const std::string& text = parts_.plan.semantic_text;
  NRL_TRY(index::Embeddings embeddings,
          parts_.embedder->Embed(index::EmbeddingKind::kQuery, std::span(&text, 1), deadline));
  if (embeddings.size() != 1) {
    return Fail(ErrorCode::kInternal, "the sentence encoder gave no vector for the query");
  }
  return index::QueryVector{embeddings.model_hash, std::move(embeddings.values)};
}

// A search by meaning alone cannot go on without vectors; any other one can.
Status Legs::WithoutVector(Leg& leg, Error why) {
  if (why.code == ErrorCode::kCanceled) return Fail(std::move(why));
  leg.reason = why.message;
  degraded_ = true;
  if (parts_.mode != Mode::kSemantic) return {};
  return Fail(ErrorCode::kUnavailable, "search by meaning is unavailable: " + why.message,
              "try the mode lexical, or: " + why.hint, std::move(why.cause));
}

Status Legs::NearestTo(const index::QueryVector& query, Leg& leg, const Deadline& deadline) {
  auto nearest = parts_.reader.Nearest(query, parts_.filter, vector_max_, deadline);
  if (!nearest && nearest.error().code == ErrorCode::kConflict &&
      nearest.error().reason != index::kReaderExpired) {
    return WithoutVector(leg, nearest.error());  // of another model
  }
  if (!nearest) return Fail(nearest);
  for (const index::Hit& hit : nearest->hits) {
    by_vector_[hit.ref] = {hit.score, static_cast<uint32_t>(by_vector_.size() + 1)};
  }
  query_vector_ = query;
  ran_.vector = true;
  ran_.vector_lowest = nearest->lowest;
  leg.ran = true;
  leg.candidates = nearest->hits.size();
  const index::ReaderInfo& info = parts_.reader.info();
  leg.model = info.model;
  if (info.videos_without_vectors > 0) {
    leg.reason = fmt::format("{} of {} recordings have no vectors yet", info.videos_without_vectors,
                             info.videos);
  }
  return {};
}

bool Legs::IsCandidate(SegmentRef ref) const {
  return by_text_.contains(ref) || (!parts_.plan.binding && by_vector_.contains(ref));
}

std::vector<SegmentRef> Legs::Candidates() const {
  std::vector<SegmentRef> refs;
  for (const auto& [ref, scored] : by_text_) refs.push_back(ref);
  if (!parts_.plan.binding) {
    for (const auto& [ref, scored] : by_vector_) refs.push_back(ref);
  }
  std::sort(refs.begin(), refs.end());
  refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
  return refs;
}

std::vector<Neighbour> Legs::AroundCandidates() const {
  constexpr auto kReach = static_cast<uint32_t>(kNeighbourReach);
  std::vector<Neighbour> neighbours;
  for (const SegmentRef candidate : Candidates()) {
    const uint32_t segments = parts_.reader.CountSegments(candidate.video);
    uint32_t first = candidate.place - std::min(candidate.place, kReach);
    const uint32_t last = std::min(candidate.place + kReach, segments - 1);
    // Candidates come in order: go on behind what the one before has added.
    if (!neighbours.empty() && neighbours.back().ref.video == candidate.video) {
      first = std::max(first, neighbours.back().ref.place + 1);
    }
    for (uint32_t place = first; place <= last; ++place) {
      const SegmentRef ref{candidate.video, place};
      neighbours.push_back({ref, IsCandidate(ref), 0, std::nullopt});
    }
  }
  return neighbours;
}

Status Legs::ScoreMissing(std::vector<Neighbour>& neighbours) {
  std::vector<SegmentRef> without_text;
  std::vector<SegmentRef> without_vector;
  for (Neighbour& neighbour : neighbours) {
    const auto text = by_text_.find(neighbour.ref);
    const auto vector = by_vector_.find(neighbour.ref);
    if (text != by_text_.end()) neighbour.text = text->second.score;
    if (vector != by_vector_.end()) neighbour.vector = vector->second.score;
    if (text == by_text_.end() && !text_is_complete()) without_text.push_back(neighbour.ref);
    if (vector == by_vector_.end()) without_vector.push_back(neighbour.ref);
  }
  if (ran_.text && !without_text.empty()) {
    NRL_TRY(const auto scores,
            parts_.reader.ScoreText(parts_.plan.text, weights_.bm25, without_text));
    size_t next = 0;
    for (Neighbour& neighbour : neighbours) {
      if (next < without_text.size() && neighbour.ref == without_text[next]) {
        neighbour.text = scores[next++];
      }
    }
  }
  if (ran_.vector && !without_vector.empty()) {
    NRL_TRY(const auto scores, parts_.reader.ScoreVectors(*query_vector_, without_vector));
    size_t next = 0;
    for (Neighbour& neighbour : neighbours) {
      if (next < without_vector.size() && neighbour.ref == without_vector[next]) {
        neighbour.vector = scores[next++];
      }
    }
  }
  return {};
}

Result<std::vector<RankedSegment>> Legs::Ranked() {
  if (!ran_.text && !ran_.vector) return std::vector<RankedSegment>{};
  std::vector<Neighbour> neighbours = AroundCandidates();
  NRL_CHECK(ScoreMissing(neighbours));
  return Rank(neighbours, ran_, weights_);
}

Result<std::vector<index::Hit>> Legs::TextHitsBeyond(uint32_t count) {
  std::vector<index::Hit> beyond;
  if (text_is_complete() || count == 0) return beyond;
  const auto wanted = static_cast<uint32_t>(text_max_ + by_vector_.size() + count);
  NRL_TRY(const index::TextHits more,
          parts_.reader.MatchText(parts_.plan.text, parts_.filter, weights_.bm25, wanted));
  for (const index::Hit& hit : more.hits) {
    if (beyond.size() < count && !IsCandidate(hit.ref)) beyond.push_back(hit);
  }
  return beyond;
}

bool Legs::text_is_complete() const { return text_.hits.size() < text_max_; }

uint64_t Legs::text_beyond_min() const {
  return text_is_complete() ? 0 : text_.total_min - std::min<uint64_t>(text_.total_min, text_max_);
}

Score Legs::ScoreOf(SegmentRef ref) const {
  Score score;
  if (const auto text = by_text_.find(ref); text != by_text_.end()) {
    score.lexical = text->second.score;
    score.lexical_rank = text->second.rank;
  }
  if (const auto vector = by_vector_.find(ref); vector != by_vector_.end()) {
    score.vector = vector->second.score;
    score.vector_rank = vector->second.rank;
  }
  return score;
}

}  // namespace narralytica::search
