#include "search/searcher.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"
#include "search/cursor.hpp"
#include "search/legs.hpp"
#include "search/ranking.hpp"

namespace narralytica::search {
namespace {

using index::SegmentRef;

constexpr int kReaderAttemptsMax = 3;
constexpr size_t kFingerprintHexBytes = 16;

std::optional<UtcMs> Later(std::optional<UtcMs> a, std::optional<UtcMs> b) {
  return a && b ? std::max(a, b) : (a ? a : b);
}
std::optional<UtcMs> Earlier(std::optional<UtcMs> a, std::optional<UtcMs> b) {
  return a && b ? std::min(a, b) : (a ? a : b);
}

// Both must hold: where the request and the query's fields name the same thing, they must agree.
Result<index::Filter> JoinFilters(index::Filter filter, const index::Filter& fields) {
  const auto contradict = [](std::string_view what) {
    return Fail(ErrorCode::kInvalid, fmt::format("the query and the filters name two {}", what),
                "leave one of them out");
  };
  if (fields.video_id && filter.video_id && filter.video_id != fields.video_id) {
    return contradict("videos");
  }
  if (!fields.language.empty() && !filter.language.empty() && filter.language != fields.language) {
    return contradict("languages");
  }
  if (fields.speaker_id && filter.speaker_id && filter.speaker_id != fields.speaker_id) {
    return contradict("speakers");
  }
  if (fields.video_id) filter.video_id = fields.video_id;
  if (fields.speaker_id) filter.speaker_id = fields.speaker_id;
  if (!fields.speaker.empty()) filter.speaker = fields.speaker;
  if (!fields.language.empty()) filter.language = fields.language;
  filter.published_from = Later(filter.published_from, fields.published_from);
  filter.published_until = Earlier(filter.published_until, fields.published_until);
  return filter;
}

Status CheckPage(const SearchRequest& request) {
  if (request.limit == 0 || request.limit > kLimitMax) {
    return Fail(ErrorCode::kInvalid, fmt::format("limit must be 1 to {}", kLimitMax));
  }
  if (request.offset > kOffsetMax) {
    return Fail(ErrorCode::kInvalid, fmt::format("offset must be at most {}", kOffsetMax),
                "narrow the search, or page with cursor");
  }
  return {};
}

// What a cursor must agree with: everything that decides the order, but not the page.
std::string Fingerprint(const SearchRequest& request, const index::Filter& filter) {
  const nlohmann::json inputs{
      request.tenant.str(),
      request.query,
      ToString(request.mode),
      request.passage_spacing,
      filter.video_id ? filter.video_id->str() : "",
      filter.language,
      filter.source,
      filter.speaker_id ? filter.speaker_id->str() : "",
      filter.speaker,
      filter.published_from ? filter.published_from->value : -1,
      filter.published_until ? filter.published_until->value : -1,
  };
  const auto replace = nlohmann::json::error_handler_t::replace;
  return Sha256Hex(inputs.dump(-1, ' ', false, replace)).substr(0, kFingerprintHexBytes);
}

// The words that the spans cover. Words stand in the text in order; one that does not is passed by.
std::vector<SpokenWord> WordsAt(const std::vector<MatchedSpan>& spans, std::string_view text,
                                std::vector<SpokenWord> words) {
  std::vector<SpokenWord> matched;
  size_t at = 0;
  for (SpokenWord& word : words) {
    const size_t first = word.text.find_first_not_of(' ');
    if (first == std::string::npos) continue;
    const std::string_view trimmed = std::string_view(word.text).substr(first);
    const size_t begin = text.find(trimmed, at);
    if (begin == std::string_view::npos) continue;
    const size_t end = at = begin + trimmed.size();
    const bool covered = std::any_of(spans.begin(), spans.end(), [&](const MatchedSpan& span) {
      return span.first < end && begin < span.second;
    });
    if (covered) matched.push_back(std::move(word));
  }
  return matched;
}

// One search over one reader.
class Session {
 public:
  Session(const SearcherParts& parts, const SearchRequest& request, index::Reader& reader)
      : parts_(parts), request_(request), reader_(reader) {}

  Result<SearchReply> Run(const ParsedQuery& query, const index::Filter& filter,
                          const Deadline& deadline) {
    fingerprint_ = Fingerprint(request_, filter);
    NRL_TRY(plan_, PlanQuery(query, filter, reader_));
    Legs legs({reader_, parts_.embedder, plan_, filter, request_.mode});
    NRL_CHECK(legs.Run(deadline));
    NRL_TRY(const auto ranked, legs.Ranked());
    ranking_ = ToPassages(ranked, request_.passage_spacing);
    const size_t passages = ranking_.size();
    NRL_TRY(const uint32_t offset, Offset());
    NRL_CHECK(AppendBeyond(offset + request_.limit, legs));

    SearchReply reply;
    reply.limit = request_.limit;
    reply.offset = offset;
    reply.total = passages + legs.text_beyond_min();
    reply.total_is_exact = legs.text_is_complete();
    NRL_CHECK(FillPage(legs, reply));
    reply.legs = legs.report();
    reply.degraded = legs.degraded();
    reply.generation = reader_.info().generation;
    reply.as_of_seq = reader_.info().as_of_seq;
    if (parts_.lag) reply.lag_ms = parts_.lag(reply.as_of_seq);
    reply.corrections = plan_.corrections;
    return reply;
  }

 private:
  // Behind the last hit that the cursor has seen; when that is gone, behind as many as were given.
  Result<uint32_t> Offset() {
    if (request_.cursor.empty()) return request_.offset;
    NRL_TRY(const Cursor cursor, DecodeCursor(request_.cursor, fingerprint_));
    const auto is_last = [&](size_t place) -> Result<bool> {
      NRL_TRY(const auto found, reader_.Fetch(std::span(&ranking_[place].ref, 1)));
      return found[0].video_id.str() == cursor.video_id &&
             found[0].segment.segment_index == cursor.segment_index;
    };
    if (cursor.offset > ranking_.size()) return cursor.offset;
    // Nearly always the index has not changed, and the hit is where it was.
    NRL_TRY(const bool unmoved, is_last(cursor.offset - 1));
    if (unmoved) return cursor.offset;
    for (size_t place = 0; place < ranking_.size(); ++place) {
      NRL_TRY(const bool last, is_last(place));
      if (last) return static_cast<uint32_t>(place + 1);
    }
    return cursor.offset;
  }

  // Lengthens the ranking to `size` by text hits that were no candidates.
  Status AppendBeyond(size_t size, Legs& legs) {
    if (ranking_.size() >= size) return {};
    const auto count = static_cast<uint32_t>(size - ranking_.size()) + 1;
    NRL_TRY(const auto beyond, legs.TextHitsBeyond(count));
    // Their scores are comparable with one another, not with those before: no more than the last.
    const float last = ranking_.empty() ? 1 : ranking_.back().combined;
    const float best = beyond.empty() ? 1 : beyond.front().score;
    for (const index::Hit& hit : beyond) {
      beyond_scores_[hit.ref] = hit.score;
      ranking_.push_back({hit.ref, last * (best > 0 ? hit.score / best : 0), 0});
    }
    return {};
  }

  Status FillPage(const Legs& legs, SearchReply& reply) {
    const size_t first = std::min<size_t>(reply.offset, ranking_.size());
    const size_t last = std::min<size_t>(first + reply.limit, ranking_.size());
    for (size_t place = first; place < last; ++place) {
      NRL_TRY(SearchHit hit, MakeHit(ranking_[place], legs));
      reply.items.push_back(std::move(hit));
    }
    if (last == ranking_.size() || reply.items.empty()) return {};
    const index::FoundSegment& shown = reply.items.back().found;
    reply.next_cursor = EncodeCursor({fingerprint_, static_cast<uint32_t>(last),
                                      shown.video_id.str(), shown.segment.segment_index});
    return {};
  }

  Result<SearchHit> MakeHit(const RankedSegment& ranked, const Legs& legs) {
    std::vector<SegmentRef> refs{ranked.ref};
    if (ranked.ref.place > 0) refs.push_back({ranked.ref.video, ranked.ref.place - 1});
    if (ranked.ref.place + 1 < reader_.CountSegments(ranked.ref.video)) {
      refs.push_back({ranked.ref.video, ranked.ref.place + 1});
    }
    NRL_TRY(auto found, reader_.Fetch(refs));
    SearchHit hit;
    hit.found = std::move(found.front());
    hit.neighbours.assign(std::make_move_iterator(found.begin() + 1),
                          std::make_move_iterator(found.end()));
    hit.score = legs.ScoreOf(ranked.ref);
    hit.score.combined = ranked.combined;
    if (const auto beyond = beyond_scores_.find(ranked.ref); beyond != beyond_scores_.end()) {
      hit.score.lexical = beyond->second;
    }
    NRL_CHECK(Highlights(hit));
    return hit;
  }

  Status Highlights(SearchHit& hit) const {
    const index::IndexedSegment& segment = hit.found.segment;
    const auto spans = plan_.matcher.FindIn(segment.text, segment.language);
    if (!spans.empty()) hit.highlights.push_back({"text", MarkUp(segment.text, spans)});
    const auto in_title = plan_.matcher.FindIn(hit.found.title, segment.language);
    if (!in_title.empty()) hit.highlights.push_back({"title", MarkUp(hit.found.title, in_title)});
    if (!parts_.words || spans.empty()) return {};
    NRL_TRY(auto words, parts_.words(hit.found));
    hit.matched_words = WordsAt(spans, segment.text, std::move(words));
    return {};
  }

  const SearcherParts& parts_;
  const SearchRequest& request_;
  index::Reader& reader_;
  std::string fingerprint_;
  QueryPlan plan_;
  std::vector<RankedSegment> ranking_;
  std::map<SegmentRef, float> beyond_scores_;
};

}  // namespace

std::string_view ToString(Mode mode) {
  switch (mode) {
    case Mode::kLexical:
      return "lexical";
    case Mode::kSemantic:
      return "semantic";
    case Mode::kHybrid:
      return "hybrid";
  }
  NRL_ASSERT(false);
}

Result<Mode> ParseMode(std::string_view text) {
  for (const Mode mode : {Mode::kLexical, Mode::kSemantic, Mode::kHybrid}) {
    if (text == ToString(mode)) return mode;
  }
  return Fail(ErrorCode::kInvalid, "there is no such search mode",
              "use lexical, semantic or hybrid");
}

Result<SearchReply> Searcher::Search(const SearchRequest& request, const Deadline& deadline) const {
  NRL_CHECK(CheckPage(request));
  NRL_TRY(const ParsedQuery query, ParseQuery(request.query));
  NRL_TRY(const index::Filter filter, JoinFilters(request.filter, query.filter));
  Result<SearchReply> reply;
  for (int attempt = 0; attempt < kReaderAttemptsMax; ++attempt) {
    NRL_TRY(const auto reader, parts_.index.Read(request.tenant));
    reply = Session(parts_, request, *reader).Run(query, filter, deadline);
    // Two commits went by during this search: its reader is too old to go on.
    if (reply || reply.error().reason != index::kReaderExpired) break;
  }
  return reply;
}

}  // namespace narralytica::search
