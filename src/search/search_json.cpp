#include "search/searcher.hpp"

namespace narralytica::search {
namespace {

using Json = nlohmann::json;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json SegmentJson(const index::FoundSegment& found) {
  const index::IndexedSegment& segment = found.segment;
  return {{"id", segment.id.str()},
          {"video_id", found.video_id.str()},
          {"transcript_id", found.transcript_id.str()},
          {"speaker_id", TextOrNull(segment.speaker_id)},
          {"segment_index", segment.segment_index},
          {"start_ms", segment.range.start_ms},
          {"end_ms", segment.range.end_ms},
          {"text", segment.text},
          {"language", segment.language},
          {"overlap_ms", segment.overlap_ms},
          {"source", found.source}};
}

Json VideoJson(const index::FoundSegment& found) {
  return {{"video_id", found.video_id.str()},
          {"title", found.title},
          {"source", found.source},
          {"published_at",
           found.published_at ? Json(FormatRfc3339(*found.published_at)) : Json(nullptr)}};
}

Json SpeakerJson(const index::IndexedSegment& segment) {
  if (segment.speaker_id.empty()) return nullptr;
  return {{"speaker_id", segment.speaker_id}, {"name", TextOrNull(segment.speaker_name)}};
}

Json HitJson(const SearchHit& hit) {
  Json json{{"segment", SegmentJson(hit.found)},
            {"video", VideoJson(hit.found)},
            {"speaker", SpeakerJson(hit.found.segment)},
            {"highlights", Json::array()},
            {"score",
             {{"combined", hit.score.combined},
              {"lexical", OrNull(hit.score.lexical)},
              {"vector", OrNull(hit.score.vector)},
              {"lexical_rank", OrNull(hit.score.lexical_rank)},
              {"vector_rank", OrNull(hit.score.vector_rank)}}},
            {"matched_words", Json::array()},
            {"neighbours", Json::array()}};
  for (const Highlight& highlight : hit.highlights) {
    json["highlights"].push_back({{"field", highlight.field}, {"text", highlight.text}});
  }
  for (const SpokenWord& word : hit.matched_words) {
    json["matched_words"].push_back(
        {{"start_ms", word.range.start_ms}, {"end_ms", word.range.end_ms}, {"text", word.text}});
  }
  for (const index::FoundSegment& neighbour : hit.neighbours) {
    json["neighbours"].push_back(SegmentJson(neighbour));
  }
  return json;
}

Json LegJson(const Leg& leg) {
  return {{"name", leg.name},
          {"ran", leg.ran},
          {"reason", TextOrNull(leg.reason)},
          {"took_ms", leg.took_ms},
          {"candidates", leg.candidates},
          {"model", TextOrNull(leg.model)}};
}

}  // namespace

nlohmann::json ToJson(const SearchReply& reply) {
  Json json{{"items", Json::array()},
            {"page",
             {{"limit", reply.limit},
              {"offset", reply.offset},
              {"total", reply.total},
              {"total_relation", reply.total_is_exact ? "eq" : "gte"},
              {"next_cursor", TextOrNull(reply.next_cursor)},
              {"video_total", nullptr}}},
            {"took_ms", reply.took_ms},
            {"legs", Json::array()},
            {"index",
             {{"generation", TextOrNull(reply.generation)},
              {"as_of_seq", reply.as_of_seq},
              {"lag_ms", OrNull(reply.lag_ms)}}},
            {"degraded", reply.degraded},
            {"corrections", Json::array()}};
  for (const SearchHit& hit : reply.items) json["items"].push_back(HitJson(hit));
  for (const Leg& leg : reply.legs) json["legs"].push_back(LegJson(leg));
  for (const Correction& correction : reply.corrections) {
    json["corrections"].push_back({{"from", correction.from}, {"to", correction.to}});
  }
  return json;
}

}  // namespace narralytica::search
