#include "index/embedded/embedded_reader.hpp"

#include <algorithm>

#include "index/embedded/vector_search.hpp"

namespace narralytica::index {
namespace {

Xapian::docid DocumentOf(uint32_t row) { return row + 1; }
uint32_t RowOf(Xapian::docid document) { return document - 1; }

class EmbeddedReader final : public Reader {
 public:
  explicit EmbeddedReader(ReaderParts parts) : parts_(std::move(parts)) {
    if (parts_.tenant) info_ = state().InfoOf(*parts_.tenant);
    info_.generation = state().generation();
    info_.as_of_seq = state().manifest().seq;
  }
  ~EmbeddedReader() override {
    if (parts_.give_back) parts_.give_back(std::move(parts_.words));
  }

  const ReaderInfo& info() const override { return info_; }

  uint32_t CountSegments(uint32_t video) const override {
    return video < runs().size() ? runs()[video].rows : 0;
  }

  Result<TextHits> MatchText(const TextQuery& query, const Filter& filter, Bm25 bm25,
                             uint32_t hits_max) override {
    if (!parts_.tenant || hits_max == 0) return TextHits{};
    return GuardXapian([&]() -> Result<TextHits> {
      Xapian::Query words = MakeXapianQuery(*parts_.tenant, query);
      if (!filter.empty()) {
        std::vector<RowRange> rows = RowRanges(Select(filter));
        if (rows.empty()) return TextHits{};
        words = Restrict(words, std::move(rows));
      }
      const Xapian::MSet matches = Match(words, bm25, hits_max);
      TextHits hits;
      hits.total_min = matches.get_matches_lower_bound();
      hits.total_max = matches.get_matches_upper_bound();
      for (auto match = matches.begin(); match != matches.end(); ++match) {
        NRL_TRY(const SegmentRef ref, RefOf(*match));
        hits.hits.push_back({ref, static_cast<float>(match.get_weight())});
      }
      std::sort(hits.hits.begin(), hits.hits.end(), BetterHit);
      return hits;
    });
  }

  Result<std::vector<float>> ScoreText(const TextQuery& query, Bm25 bm25,
                                       std::span<const SegmentRef> refs) override {
    std::vector<float> scores(refs.size(), 0);
    if (!parts_.tenant || refs.empty()) return scores;
    return GuardXapian([&]() -> Result<std::vector<float>> {
      std::vector<RowRange> rows;
      for (const SegmentRef ref : refs) {
        if (!state().Has(*parts_.tenant, ref)) continue;
        rows.push_back({runs()[ref.video].first_row + ref.place, 1});
      }
      if (rows.empty()) return scores;
      SortAndJoin(rows);
      const Xapian::Query words = Restrict(MakeXapianQuery(*parts_.tenant, query), std::move(rows));
      const Xapian::MSet matches = Match(words, bm25, static_cast<Xapian::doccount>(refs.size()));
      for (auto match = matches.begin(); match != matches.end(); ++match) {
        NRL_TRY(const SegmentRef ref, RefOf(*match));
        const auto at = std::lower_bound(refs.begin(), refs.end(), ref);
        NRL_ASSERT(at != refs.end() && *at == ref);
        scores[static_cast<size_t>(at - refs.begin())] = static_cast<float>(match.get_weight());
      }
      return scores;
    });
  }

  Result<VectorHits> Nearest(const QueryVector& query, const Filter& filter, uint32_t hits_max,
                             const Deadline& deadline) override {
    if (!parts_.tenant || info_.model_hash.empty()) return VectorHits{};
    NRL_CHECK(CheckModel(query));
    const ScanQuery scan = QuantizeQuery(query.values);
    return GuardXapian([&]() -> Result<VectorHits> {
      const auto ranges = Select(filter);
      return FindNearest({state(), scan, hits_max, parts_.scan_threads}, ranges, deadline);
    });
  }

  Result<std::vector<std::optional<float>>> ScoreVectors(
      const QueryVector& query, std::span<const SegmentRef> refs) override {
    std::vector<std::optional<float>> scores(refs.size());
    if (!parts_.tenant || info_.model_hash.empty()) return scores;
    NRL_CHECK(CheckModel(query));
    const ScanQuery scan = QuantizeQuery(query.values);
    for (size_t i = 0; i < refs.size(); ++i) {
      const auto [video, place] = refs[i];
      if (!state().Has(*parts_.tenant, refs[i]) || !runs()[video].has_vectors) continue;
      const ScanRows& all = state().section(video).vectors;
      if (all.scales[place] == 0) continue;
      const ScanRows row{all.scales.subspan(place, 1),
                         all.values + size_t{place} * scan.values.size()};
      float score = 0;
      ScoreRows(scan, row, std::span(&score, 1));
      scores[i] = score;
    }
    return scores;
  }

  Result<std::vector<FoundSegment>> Fetch(std::span<const SegmentRef> refs) override {
    return GuardXapian([&]() -> Result<std::vector<FoundSegment>> {
      std::vector<FoundSegment> found;
      found.reserve(refs.size());
      for (const SegmentRef ref : refs) {
        NRL_ASSERT(parts_.tenant && state().Has(*parts_.tenant, ref));
        const uint32_t row = runs()[ref.video].first_row + ref.place;
        NRL_TRY(FoundSegment segment,
                DecodeFoundSegment(parts_.words.get_document(DocumentOf(row)).get_data()));
        if (segment.video_id.str() != runs()[ref.video].video_id) {
          return Fail(DamagedPart("words part", "a document is of another recording"));
        }
        found.push_back(std::move(segment));
      }
      return found;
    });
  }

  Result<std::vector<IndexedRecording>> Recordings(const VideoId& after, int limit) override {
    std::vector<IndexedRecording> found;
    if (!parts_.tenant) return found;
    const auto [first, last] = state().RunsOf(*parts_.tenant);
    for (uint32_t video = first; video < last && std::ssize(found) < limit; ++video) {
      const Run& run = runs()[video];
      if (run.video_id <= after.str()) continue;
      IndexedRecording recording{VideoId::FromTrusted(run.video_id), {}, run.rows};
      if (run.rows > 0) {
        const SegmentRef segment{video, 0};
        NRL_TRY(const auto shown, Fetch({&segment, 1}));
        recording.transcript_id = shown.front().transcript_id;
      }
      found.push_back(std::move(recording));
    }
    return found;
  }

  Result<std::vector<std::pair<std::string, uint64_t>>> Words(std::string_view prefix,
                                                              uint32_t words_max) override {
    std::vector<std::pair<std::string, uint64_t>> words;
    if (!parts_.tenant) return words;
    return GuardXapian([&]() -> Result<std::vector<std::pair<std::string, uint64_t>>> {
      const std::string start = EncodeTerm(*parts_.tenant, Field::kExact, prefix);
      const size_t stripped = start.size() - prefix.size();
      auto term = parts_.words.allterms_begin(start);
      for (; term != parts_.words.allterms_end(start) && words.size() < words_max; ++term) {
        words.emplace_back((*term).substr(stripped), term.get_termfreq());
      }
      return words;
    });
  }

  Result<uint64_t> Frequency(const Term& term) override {
    if (!parts_.tenant) return 0;
    return GuardXapian([&]() -> Result<uint64_t> {
      return parts_.words.get_termfreq(EncodeTerm(*parts_.tenant, term.field, term.text));
    });
  }

 private:
  const CommittedState& state() const { return *parts_.state; }
  const std::vector<Run>& runs() const { return state().manifest().runs; }

  Status CheckModel(const QueryVector& query) const {
    if (query.model_hash == info_.model_hash && query.values.size() == state().manifest().dimension)
      return {};
    return Fail(ErrorCode::kConflict, "the query vector is of another model than the index",
                "rebuild the index with the model in use: `narralytica index rebuild`");
  }

  // The rows under the filter, in the order of refs.
  std::vector<PlaceRange> Select(const Filter& filter) const {
    std::vector<PlaceRange> places = state().Select(*parts_.tenant, filter);
    for (const std::string& term : SpeakerTerms(*parts_.tenant, filter)) {
      if (!places.empty()) places = KeepThoseWith(term, places);
    }
    return places;
  }

  std::vector<PlaceRange> KeepThoseWith(const std::string& term,
                                        const std::vector<PlaceRange>& places) const {
    std::vector<SegmentRef> refs;
    for (auto at = parts_.words.postlist_begin(term); at != parts_.words.postlist_end(term); ++at) {
      if (const auto ref = state().FindRow(RowOf(*at))) refs.push_back(*ref);
    }
    std::sort(refs.begin(), refs.end());
    std::vector<PlaceRange> kept;
    auto range = places.begin();
    for (const SegmentRef& ref : refs) {
      const auto ends_before = [&ref](const PlaceRange& r) {
        return r.run != ref.video ? r.run < ref.video : r.first + r.count <= ref.place;
      };
      range = std::find_if_not(range, places.end(), ends_before);
      if (range == places.end()) break;
      if (range->run != ref.video || ref.place < range->first) continue;
      const bool next = !kept.empty() && kept.back().run == ref.video &&
                        kept.back().first + kept.back().count == ref.place;
      if (next) {
        ++kept.back().count;
      } else {
        kept.push_back({ref.video, ref.place, 1});
      }
    }
    return kept;
  }

  Xapian::MSet Match(const Xapian::Query& query, Bm25 bm25, Xapian::doccount hits_max) {
    Xapian::Enquire enquire(parts_.words);
    enquire.set_query(query);
    enquire.set_weighting_scheme(Bm25Weight(bm25, state().StatisticsOf(*parts_.tenant)));
    return enquire.get_mset(0, hits_max);
  }

  static Xapian::Query Restrict(const Xapian::Query& query, std::vector<RowRange> rows) {
    auto* source = (new RowSource(std::move(rows)))->release();
    return {Xapian::Query::OP_FILTER, query, Xapian::Query(source)};
  }

  Result<SegmentRef> RefOf(Xapian::docid document) const {
    const auto ref = state().FindRow(RowOf(document));
    if (!ref || !state().Has(*parts_.tenant, *ref)) {
      return Fail(DamagedPart("words part", "a matching document belongs to no recording"));
    }
    return *ref;
  }

  static void SortAndJoin(std::vector<RowRange>& rows) {
    std::sort(rows.begin(), rows.end(),
              [](const RowRange& a, const RowRange& b) { return a.first < b.first; });
    size_t last = 0;
    for (size_t i = 1; i < rows.size(); ++i) {
      if (rows[last].first + rows[last].count == rows[i].first) {
        rows[last].count += rows[i].count;
      } else {
        rows[++last] = rows[i];
      }
    }
    if (!rows.empty()) rows.resize(last + 1);
  }

  std::vector<RowRange> RowRanges(const std::vector<PlaceRange>& places) const {
    std::vector<RowRange> rows;
    rows.reserve(places.size());
    for (const PlaceRange& range : places) {
      rows.push_back({runs()[range.run].first_row + range.first, range.count});
    }
    SortAndJoin(rows);
    return rows;
  }

  ReaderParts parts_;
  ReaderInfo info_;
};

}  // namespace

std::unique_ptr<Reader> MakeEmbeddedReader(ReaderParts parts) {
  return std::make_unique<EmbeddedReader>(std::move(parts));
}

}  // namespace narralytica::index
