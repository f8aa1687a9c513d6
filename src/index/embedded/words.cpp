#include "index/embedded/words.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "index/embedded/manifest.hpp"
#include "index/text_analysis.hpp"

namespace narralytica::index {
namespace {

using Json = nlohmann::json;

constexpr Xapian::docid kFirstDocument = 1;

char FieldLetter(Field field) {
  switch (field) {
    case Field::kStem:
      return 'S';
    case Field::kExact:
      return 'E';
    case Field::kTitle:
      return 'T';
  }
  NRL_ASSERT(false);
}

constexpr char kSpeakerLetter = 'P';
constexpr char kSpeakerNameLetter = 'N';

// A variable-length number, so that no tenant's prefix is the beginning of another's.
std::string WithPrefix(char letter, uint32_t tenant, std::string_view text) {
  std::string term(1, letter);
  uint32_t left = tenant + 1;
  for (; left >= 0x80; left >>= 7) term += static_cast<char>(0x80 | (left & 0x7F));
  term += static_cast<char>(left);
  term += text;
  return term;
}

std::vector<std::string> NameTerms(uint32_t tenant, std::string_view name) {
  std::vector<std::string> terms;
  for (const Token& token : Analyze(name, {})) {
    terms.push_back(WithPrefix(kSpeakerNameLetter, tenant, token.exact));
  }
  return terms;
}

std::string EncodeFoundSegment(const Recording& recording, const IndexedSegment& segment) {
  Json data{{"id", segment.id.str()},
            {"v", recording.video_id.str()},
            {"t", recording.transcript_id.str()},
            {"i", segment.segment_index},
            {"b", segment.range.start_ms},
            {"e", segment.range.end_ms},
            {"x", segment.text},
            {"l", segment.language},
            {"h", recording.title},
            {"o", recording.source}};
  if (recording.published_at) data["d"] = recording.published_at->value;
  if (!segment.speaker_id.empty()) data["s"] = segment.speaker_id;
  if (!segment.speaker_name.empty()) data["n"] = segment.speaker_name;
  if (segment.overlap_ms > 0) data["p"] = segment.overlap_ms;
  std::string bytes;
  Json::to_cbor(data, bytes);
  return bytes;
}

Xapian::Query Combine(Xapian::Query::op op, uint32_t tenant, const TextQuery& query) {
  std::vector<Xapian::Query> parts;
  for (const TextQuery& part : query.parts) parts.push_back(MakeXapianQuery(tenant, part));
  return {op, parts.begin(), parts.end()};
}

Xapian::Query Terms(Xapian::Query::op op, uint32_t tenant, const TextQuery& query) {
  std::vector<std::string> terms;
  for (const Term& term : query.terms) terms.push_back(EncodeTerm(tenant, term.field, term.text));
  if (terms.size() == 1) return Xapian::Query(terms.front());
  const auto window = static_cast<Xapian::termcount>(terms.size());
  return {op, terms.begin(), terms.end(), op == Xapian::Query::OP_PHRASE ? window : 0};
}

constexpr const char* kManifestKey = "manifest";
constexpr const char* kSeqKey = "seq";

template <typename T>
bool ParseNumber(const std::string& text, T& number) {
  if (text.empty()) return true;  // never committed: stays 0
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Error FromXapian(const Xapian::Error& error) {
  std::string cause = error.get_description();
  const std::string type = error.get_type();
  if (type == "DatabaseModifiedError") {
    return {ErrorCode::kConflict, "the index changed during the search", "try again",
            std::move(cause), kReaderExpired};
  }
  if (type == "DatabaseCorruptError" || type == "DatabaseVersionError" ||
      type == "DocNotFoundError") {
    return DamagedPart("words part", std::move(cause));
  }
  return {ErrorCode::kUnavailable,
          "the words part of the index cannot be used",
          "check the disk, then try again",
          std::move(cause),
          {}};
}

Result<WordsCommit> ReadWordsCommit(const Xapian::Database& words) {
  WordsCommit commit;
  const bool readable = ParseNumber(words.get_metadata(kManifestKey), commit.manifest) &&
                        ParseNumber(words.get_metadata(kSeqKey), commit.seq);
  if (!readable) return Fail(DamagedPart("words part", "its commit is not a number"));
  return commit;
}

void WriteWordsCommit(WordsCommit commit, Xapian::WritableDatabase& words) {
  words.set_metadata(kManifestKey, std::to_string(commit.manifest));
  words.set_metadata(kSeqKey, std::to_string(commit.seq));
}

std::string EncodeTerm(uint32_t tenant, Field field, std::string_view text) {
  return WithPrefix(FieldLetter(field), tenant, text);
}

std::vector<std::string> SpeakerTerms(uint32_t tenant, const Filter& filter) {
  std::vector<std::string> terms = NameTerms(tenant, filter.speaker);
  if (filter.speaker_id) {
    terms.push_back(WithPrefix(kSpeakerLetter, tenant, filter.speaker_id->str()));
  }
  return terms;
}

WordsDocument MakeWordsDocument(uint32_t tenant, const Recording& recording, size_t segment) {
  const IndexedSegment& source = recording.segments[segment];
  WordsDocument made;
  for (const Token& token : Analyze(source.text, source.language)) {
    made.document.add_term(EncodeTerm(tenant, Field::kStem, token.stem));
    made.document.add_posting(EncodeTerm(tenant, Field::kExact, token.exact), token.position + 1,
                              0);
    ++made.scored_words;
  }
  const auto add_title = [&](const std::string& text) {
    for (const Token& token : Analyze(text, source.language)) {
      made.document.add_term(EncodeTerm(tenant, Field::kTitle, token.stem));
      ++made.scored_words;
    }
  };
  if (segment == 0) add_title(recording.title);
  if (source.name_found) add_title(source.speaker_name);
  if (!source.speaker_id.empty()) {
    made.document.add_boolean_term(WithPrefix(kSpeakerLetter, tenant, source.speaker_id));
  }
  for (const std::string& term : NameTerms(tenant, source.speaker_name)) {
    made.document.add_boolean_term(term);
  }
  made.document.set_data(EncodeFoundSegment(recording, source));
  return made;
}

Result<FoundSegment> DecodeFoundSegment(std::string_view bytes) {
  try {
    const Json data = Json::from_cbor(bytes);
    FoundSegment found;
    found.video_id = VideoId::FromTrusted(data.at("v"));
    found.transcript_id = TranscriptId::FromTrusted(data.at("t"));
    found.title = data.at("h");
    found.source = data.at("o");
    if (data.contains("d")) found.published_at = UtcMs{data.at("d")};
    found.segment.id = SegmentId::FromTrusted(data.at("id"));
    found.segment.segment_index = data.at("i");
    found.segment.range = {data.at("b"), data.at("e")};
    found.segment.text = data.at("x");
    found.segment.language = data.at("l");
    found.segment.speaker_id = data.value("s", "");
    found.segment.speaker_name = data.value("n", "");
    found.segment.overlap_ms = data.value("p", int64_t{0});
    return found;
  } catch (const Json::exception& error) {
    return Fail(DamagedPart("words part", error.what()));
  }
}

Xapian::Query MakeXapianQuery(uint32_t tenant, const TextQuery& query) {
  using Op = TextQuery::Op;
  switch (query.op) {
    case Op::kWord: {
      if (query.terms.empty()) return {};
      const Xapian::Query word = Terms(Xapian::Query::OP_SYNONYM, tenant, query);
      return query.weight == 1 ? word : Xapian::Query(query.weight, word);
    }
    case Op::kPhrase:
      return Xapian::Query(0.0, Terms(Xapian::Query::OP_PHRASE, tenant, query));
    case Op::kAny:
      return Combine(Xapian::Query::OP_OR, tenant, query);
    case Op::kAll:
      return Combine(Xapian::Query::OP_AND, tenant, query);
    case Op::kPrefer:
      return Combine(Xapian::Query::OP_AND_MAYBE, tenant, query);
    case Op::kExcept:
      return Combine(Xapian::Query::OP_AND_NOT, tenant, query);
  }
  NRL_ASSERT(false);
}

Bm25Weight::Bm25Weight(Bm25 parameters, TenantStatistics statistics)
    : parameters_(parameters), statistics_(statistics) {
  need_stat(TERMFREQ);
  need_stat(WDF);
  need_stat(WDF_MAX);
  need_stat(DOC_LENGTH);
  need_stat(DOC_LENGTH_MIN);
}

Bm25Weight* Bm25Weight::clone() const { return new Bm25Weight(parameters_, statistics_); }

void Bm25Weight::init(double factor) {
  const double matching = get_termfreq();
  const double others = std::max(statistics_.documents - matching, 0.0);
  idf_ = factor * std::log1p((others + .5) / (matching + .5));
}

double Bm25Weight::Saturation(double count, double length) const {
  const double relative = length / std::max(statistics_.words_mean, 1.0);
  return count / (count + parameters_.k1 * (1 - parameters_.b + parameters_.b * relative));
}

double Bm25Weight::get_sumpart(Xapian::termcount wdf, Xapian::termcount length,
                               Xapian::termcount) const {
  return wdf == 0 ? 0 : idf_ * Saturation(wdf, length);
}

double Bm25Weight::get_maxpart() const {
  const double wdf_max = get_wdf_upper_bound();
  if (wdf_max == 0) return 0;
  return idf_ * Saturation(wdf_max, std::max<double>(get_doclength_lower_bound(), 1));
}

RowSource::RowSource(std::vector<RowRange> ranges) : ranges_(std::move(ranges)) {
  for (const RowRange& range : ranges_) rows_ += range.count;
  set_maxweight(0);
}

void RowSource::init(const Xapian::Database&) {
  at_ = 0;
  document_ = 0;
}

void RowSource::next(double min_weight) { skip_to(document_ + 1, min_weight); }

void RowSource::skip_to(Xapian::docid document, double) {
  document = std::max(document, kFirstDocument);
  const uint32_t row = document - kFirstDocument;
  const auto ends_after = [row](const RowRange& range) { return range.first + range.count > row; };
  // Mostly the same range or the next one; a binary search for the far jumps.
  if (at_ < ranges_.size() && !ends_after(ranges_[at_])) ++at_;
  if (at_ < ranges_.size() && !ends_after(ranges_[at_])) {
    const auto found =
        std::partition_point(ranges_.begin() + static_cast<ptrdiff_t>(at_), ranges_.end(),
                             [&](const RowRange& range) { return !ends_after(range); });
    at_ = static_cast<size_t>(found - ranges_.begin());
  }
  if (at_ < ranges_.size()) document_ = std::max(ranges_[at_].first + kFirstDocument, document);
}

}  // namespace narralytica::index
