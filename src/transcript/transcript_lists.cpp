#include "transcript/transcript_lists.hpp"

#include <fmt/format.h>

#include <charconv>

#include "transcript/transcript_columns.hpp"

namespace narralytica::transcript {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

#define NRL_OF_LIVE_VIDEO                                                                     \
  " AND EXISTS (SELECT 1 FROM videos v WHERE v.tenant_id = t.tenant_id AND v.id = t.video_id" \
  " AND v.status <> 'deleted')"

constexpr Statement kCount{"transcripts.count",
                           "SELECT COUNT(*) FROM transcripts t WHERE t.tenant_id = $1"
                           " AND ($2 = '' OR t.video_id = $2)" NRL_OF_LIVE_VIDEO};
constexpr Statement kPage{"transcripts.page",
                          "SELECT " NRL_TRANSCRIPT_COLUMNS
                          " FROM transcripts t WHERE t.tenant_id = $1"
                          " AND ($2 = '' OR t.video_id = $2)" NRL_OF_LIVE_VIDEO
                          " AND ($3 = '' OR t.id < $3) ORDER BY t.id DESC LIMIT $4 OFFSET $5"};
constexpr Statement kGet{"transcripts.get", "SELECT " NRL_TRANSCRIPT_COLUMNS
                                            " FROM transcripts t WHERE t.tenant_id = $1"
                                            " AND t.id = $2" NRL_OF_LIVE_VIDEO};

// Segments s with their transcript t.
#define NRL_SEGMENT_COLUMNS                                                        \
  "s.id, s.segment_index, s.start_ms, s.end_ms, s.text, s.language, s.confidence," \
  " s.speaker_id, s.overlap_ms,"                                                   \
  " s.video_id, s.transcript_id, COALESCE((SELECT o.kind FROM sources o"           \
  " WHERE o.tenant_id = s.tenant_id AND o.video_id = s.video_id), 'upload')"
#define NRL_SEGMENT_CONDITIONS                                              \
  " AND ($2 = '' OR s.video_id = $2) AND ($3 = '' OR s.transcript_id = $3)" \
  " AND ($3 <> '' OR t.superseded_by IS NULL)" NRL_OF_LIVE_VIDEO

constexpr Statement kCountSegments{
    "segments.count",
    "SELECT COUNT(*) FROM segments s JOIN transcripts t ON t.id = s.transcript_id"
    " AND t.tenant_id = s.tenant_id WHERE s.tenant_id = $1" NRL_SEGMENT_CONDITIONS};
constexpr Statement kPageOfSegments{
    "segments.page", "SELECT " NRL_SEGMENT_COLUMNS
                     " FROM segments s JOIN transcripts t ON t.id = s.transcript_id"
                     " AND t.tenant_id = s.tenant_id"
                     " WHERE s.tenant_id = $1" NRL_SEGMENT_CONDITIONS
                     " AND (s.transcript_id, s.segment_index) > ($4, $5)"
                     " ORDER BY s.transcript_id, s.segment_index LIMIT $6 OFFSET $7"};
constexpr Statement kGetSegment{"segments.get",
                                "SELECT " NRL_SEGMENT_COLUMNS
                                " FROM segments s JOIN transcripts t ON t.id = s.transcript_id"
                                " AND t.tenant_id = s.tenant_id"
                                " WHERE s.tenant_id = $1 AND s.id = $2" NRL_OF_LIVE_VIDEO};

constexpr size_t kIdBytes = 36;

CitedSegment ReadCited(const Row& row) {
  return {ReadSegment(row), VideoId::FromTrusted(row.Text(9)),
          TranscriptId::FromTrusted(row.Text(10)), row.Text(11)};
}

// The place of the last segment seen: transcript id and index.
struct Place {
  std::string transcript;
  int64_t index = -1;
};

Result<Place> PlaceOf(const std::string& after) {
  Place place;
  if (after.empty()) return place;
  place.transcript = after.substr(0, kIdBytes);
  const std::string_view number = std::string_view(after).substr(place.transcript.size());
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), place.index);
  if (!IsUuid(place.transcript) || error != std::errc{} || end != number.data() + number.size()) {
    return Fail(ErrorCode::kInvalid, "the cursor belongs to another list",
                "begin again without a cursor");
  }
  return place;
}

template <typename Id>
std::string TextOf(const std::optional<Id>& id) {
  return id ? id->str() : std::string();
}

}  // namespace

Result<access::Page<Transcript>> ListTranscripts(access::Tx& tx,
                                                 const std::optional<VideoId>& video,
                                                 const access::PageRequest& page) {
  NRL_TRY(const Rows counted, tx.Query(kCount, tx.tenant(), TextOf(video)));
  NRL_TRY(const Rows rows,
          tx.Query(kPage, tx.tenant(), TextOf(video), page.after, page.limit + 1, page.offset));
  std::vector<Transcript> transcripts;
  for (const Row& row : rows) transcripts.push_back(ReadTranscript(row));
  return access::CutPage(std::move(transcripts), page, counted[0].Int(0),
                         [](const Transcript& transcript) { return transcript.id.str(); });
}

Result<Transcript> GetTranscript(access::Tx& tx, const TranscriptId& transcript) {
  NRL_TRY(const Rows rows, tx.Query(kGet, tx.tenant(), transcript));
  if (!rows.empty()) return ReadTranscript(rows[0]);
  return Fail(ErrorCode::kNotFound, fmt::format("transcript {} does not exist", transcript.str()));
}

Result<access::Page<CitedSegment>> ListSegments(access::Tx& tx, const SegmentFilter& filter,
                                                const access::PageRequest& page) {
  NRL_TRY(const Place after, PlaceOf(page.after));
  const std::string video = TextOf(filter.video);
  const std::string transcript = TextOf(filter.transcript);
  NRL_TRY(const Rows counted, tx.Query(kCountSegments, tx.tenant(), video, transcript));
  NRL_TRY(const Rows rows, tx.Query(kPageOfSegments, tx.tenant(), video, transcript,
                                    after.transcript, after.index, page.limit + 1, page.offset));
  std::vector<CitedSegment> segments;
  for (const Row& row : rows) segments.push_back(ReadCited(row));
  return access::CutPage(
      std::move(segments), page, counted[0].Int(0), [](const CitedSegment& cited) {
        return fmt::format("{}{}", cited.transcript.str(), cited.segment.segment_index);
      });
}

Result<CitedSegment> GetSegment(access::Tx& tx, const SegmentId& segment) {
  NRL_TRY(const Rows rows, tx.Query(kGetSegment, tx.tenant(), segment));
  if (!rows.empty()) return ReadCited(rows[0]);
  return Fail(ErrorCode::kNotFound, fmt::format("segment {} does not exist", segment.str()));
}

}  // namespace narralytica::transcript
