#include "transcript/transcript_store.hpp"

#include <fmt/format.h>

#include "transcript/transcript_columns.hpp"

namespace narralytica::transcript {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

constexpr int kWordsFormat = 1;

constexpr Statement kNextVersion{"transcripts.next_version",
                                 "SELECT COALESCE(MAX(version), 0) + 1 FROM transcripts"
                                 " WHERE tenant_id = $1 AND video_id = $2"};
constexpr Statement kInsert{
    "transcripts.insert",
    "INSERT INTO transcripts (id, tenant_id, video_id, version, engine, model, model_hash,"
    " settings_hash, language, words_object_key, words_sha256, words_bytes, words_count,"
    " created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"};
constexpr Statement kSupersede{
    "transcripts.supersede",
    "UPDATE transcripts SET superseded_by = $3 WHERE tenant_id = $1 AND video_id = $2"
    " AND id <> $3 AND superseded_by IS NULL"};
constexpr Statement kCurrent{
    "transcripts.current",
    "SELECT " NRL_TRANSCRIPT_COLUMNS
    " FROM transcripts WHERE tenant_id = $1 AND video_id = $2 AND superseded_by IS NULL"};
constexpr Statement kList{
    "transcripts.list", "SELECT " NRL_TRANSCRIPT_COLUMNS
                        " FROM transcripts WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3"};
constexpr Statement kInsertSegment{
    "segments.insert",
    "INSERT INTO segments (id, tenant_id, video_id, transcript_id, segment_index, start_ms, end_ms,"
    " text, language, confidence, speaker_id, overlap_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
constexpr Statement kSegments{
    "segments.of_transcript",
    "SELECT id, segment_index, start_ms, end_ms, text, language, confidence, speaker_id,"
    " overlap_ms FROM segments"
    " WHERE tenant_id = $1 AND transcript_id = $2 ORDER BY segment_index"};

Status CheckSegments(std::span<const StoredSegment> segments) {
  int64_t last_end_ms = 0;
  int index = 0;
  for (const StoredSegment& segment : segments) {
    if (segment.segment_index != index++ || segment.range.start_ms < last_end_ms ||
        segment.range.end_ms <= segment.range.start_ms) {
      return Fail(
          ErrorCode::kInternal, "the segments of a transcript are not in order", {},
          fmt::format("segment {} at {} ms", segment.segment_index, segment.range.start_ms));
    }
    last_end_ms = segment.range.end_ms;
  }
  return {};
}

}  // namespace

Transcript ReadTranscript(const Row& row) {
  Transcript transcript;
  transcript.id = TranscriptId::FromTrusted(row.Text(0));
  transcript.video = VideoId::FromTrusted(row.Text(1));
  transcript.version = static_cast<int>(row.Int(2));
  transcript.engine = row.Text(3);
  transcript.model = row.Text(4);
  transcript.model_hash = row.Text(5);
  transcript.settings_hash = row.Text(6);
  transcript.language = row.Text(7);
  transcript.words = {row.Text(8), row.Text(9), row.Int(10)};
  transcript.words_count = row.Int(11);
  transcript.created_at = {row.Int(12)};
  if (!row.IsNull(13)) transcript.superseded_by = TranscriptId::FromTrusted(row.Text(13));
  return transcript;
}

StoredSegment ReadSegment(const Row& row) {
  StoredSegment segment{.id = SegmentId::FromTrusted(row.Text(0)),
                        .segment_index = static_cast<int>(row.Int(1)),
                        .range = {row.Int(2), row.Int(3)},
                        .text = row.Text(4),
                        .language = row.Text(5),
                        .confidence = row.Real(6),
                        .overlap_ms = row.Int(8)};
  if (!row.IsNull(7)) segment.speaker = SpeakerId::FromTrusted(row.Text(7));
  return segment;
}

Status InsertTranscript(access::Tx& tx, const Transcript& transcript,
                        std::span<const StoredSegment> segments) {
  NRL_CHECK(CheckSegments(segments));
  NRL_TRY(const Rows version, tx.Query(kNextVersion, tx.tenant(), transcript.video));
  NRL_CHECK(tx.Execute(kInsert, transcript.id, tx.tenant(), transcript.video, version[0].Int(0),
                       transcript.engine, transcript.model, transcript.model_hash,
                       transcript.settings_hash, transcript.language, transcript.words.key,
                       transcript.words.sha256, transcript.words.bytes, transcript.words_count,
                       transcript.created_at));
  NRL_CHECK(tx.Execute(kSupersede, tx.tenant(), transcript.video, transcript.id));
  for (const StoredSegment& segment : segments) {
    NRL_CHECK(tx.Execute(kInsertSegment, segment.id, tx.tenant(), transcript.video, transcript.id,
                         segment.segment_index, segment.range.start_ms, segment.range.end_ms,
                         segment.text, segment.language, segment.confidence,
                         segment.speaker.value_or(SpeakerId()), segment.overlap_ms));
  }
  return {};
}

Result<Transcript> CurrentTranscript(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(kCurrent, tx.tenant(), video));
  if (rows.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("video {} has no transcript yet", video.str()),
                "narralytica jobs shows how far it is");
  }
  return ReadTranscript(rows[0]);
}

Result<std::vector<Transcript>> ListTranscripts(access::Tx& tx, const TranscriptId& after,
                                                int limit) {
  NRL_TRY(const Rows rows, tx.Query(kList, tx.tenant(), after.str(), limit));
  std::vector<Transcript> transcripts;
  for (const Row& row : rows) transcripts.push_back(ReadTranscript(row));
  return transcripts;
}

Result<std::vector<StoredSegment>> SegmentsOf(access::Tx& tx, const TranscriptId& transcript) {
  NRL_TRY(const Rows rows, tx.Query(kSegments, tx.tenant(), transcript));
  std::vector<StoredSegment> segments;
  segments.reserve(rows.size());
  for (const Row& row : rows) {
    segments.push_back(ReadSegment(row));
  }
  return segments;
}

std::string EncodeWords(const SegmentWords& words) {
  nlohmann::json segments = nlohmann::json::array();
  for (const auto& segment : words) {
    nlohmann::json list = nlohmann::json::array();
    for (const Word& word : segment) {
      list.push_back({word.start_ms, word.end_ms, word.text,
                      static_cast<double>(static_cast<int>(word.confidence * 1000 + .5)) / 1000});
    }
    segments.push_back(std::move(list));
  }
  return nlohmann::json{{"format", kWordsFormat}, {"segments", std::move(segments)}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<SegmentWords> DecodeWords(std::string_view bytes) {
  try {
    const auto json = nlohmann::json::parse(bytes);
    if (json.at("format") != kWordsFormat) {
      return Fail(ErrorCode::kCorrupt, "the words of a transcript are in an unknown format",
                  "use the newer version of narralytica that wrote them");
    }
    SegmentWords words;
    for (const auto& segment : json.at("segments")) {
      auto& list = words.emplace_back();
      for (const auto& word : segment) {
        list.push_back({word.at(0), word.at(1), word.at(2), word.at(3)});
      }
    }
    return words;
  } catch (const nlohmann::json::exception& exception) {
    return Fail(ErrorCode::kCorrupt, "the words of a transcript cannot be read",
                "transcribe the recording again", exception.what());
  }
}

Result<SegmentWords> LoadWords(platform::ObjectStore& objects, const Transcript& transcript) {
  NRL_TRY(const auto bytes, objects.Get(transcript.words.key, kWordsBytesMax));
  return DecodeWords({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace narralytica::transcript
