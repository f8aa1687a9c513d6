#include "speakers/speaker_store.hpp"

#include <fmt/format.h>

namespace narralytica::speakers {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

constexpr Statement kNextVersion{"diarizations.next_version",
                                 "SELECT COALESCE(MAX(version), 0) + 1 FROM diarizations"
                                 " WHERE tenant_id = $1 AND video_id = $2"};
constexpr Statement kInsert{
    "diarizations.insert",
    "INSERT INTO diarizations (id, tenant_id, video_id, version, model, model_hash, settings_hash,"
    " created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
constexpr Statement kSupersede{
    "diarizations.supersede",
    "UPDATE diarizations SET superseded_by = $3 WHERE tenant_id = $1 AND video_id = $2"
    " AND id <> $3 AND superseded_by IS NULL"};
constexpr Statement kCurrent{
    "diarizations.current",
    "SELECT id, video_id, version, model, model_hash, settings_hash, created_at_ms"
    " FROM diarizations WHERE tenant_id = $1 AND video_id = $2 AND superseded_by IS NULL"};
constexpr Statement kInsertSpeaker{
    "speakers.insert",
    "INSERT INTO speakers (id, tenant_id, video_id, diarization_id, speaker_index, label,"
    " speech_ms, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
constexpr Statement kInsertTurn{
    "speaker_turns.insert",
    "INSERT INTO speaker_turns (tenant_id, diarization_id, turn_index, speaker_id, start_ms,"
    " end_ms, confidence) VALUES ($1, $2, $3, $4, $5, $6, $7)"};
constexpr Statement kTurns{"speaker_turns.of_diarization",
                           "SELECT speaker_id, start_ms, end_ms, confidence FROM speaker_turns"
                           " WHERE tenant_id = $1 AND diarization_id = $2 ORDER BY turn_index"};

// The person that a speaker is, and that person's name: nobody's, while there are no people.
#define NRL_PERSON_COLUMNS "NULL, ''"
#define NRL_SPEAKER_COLUMNS                                                    \
  "s.id, s.video_id, s.diarization_id, s.speaker_index, s.label, s.speech_ms," \
  " s.created_at_ms, " NRL_PERSON_COLUMNS
#define NRL_COUNTED_COLUMNS                                                 \
  NRL_SPEAKER_COLUMNS                                                       \
  ", (SELECT COUNT(*) FROM speaker_turns t WHERE t.tenant_id = s.tenant_id" \
  " AND t.diarization_id = s.diarization_id AND t.speaker_id = s.id)"
#define NRL_OF_LIVE_VIDEO                                                                     \
  " AND EXISTS (SELECT 1 FROM videos v WHERE v.tenant_id = s.tenant_id AND v.id = s.video_id" \
  " AND v.status <> 'deleted')"
#define NRL_SPEAKER_CONDITIONS                                                \
  " AND ($2 = '' OR s.video_id = $2)"                                         \
  " AND EXISTS (SELECT 1 FROM diarizations d WHERE d.tenant_id = s.tenant_id" \
  " AND d.id = s.diarization_id AND d.superseded_by IS NULL)" NRL_OF_LIVE_VIDEO

constexpr Statement kOfDiarization{
    "speakers.of_diarization", "SELECT " NRL_COUNTED_COLUMNS
                               " FROM speakers s WHERE s.tenant_id = $1 AND s.diarization_id = $2"
                               " ORDER BY s.speaker_index"};
constexpr Statement kOfVideo{"speakers.of_video",
                             "SELECT " NRL_SPEAKER_COLUMNS
                             ", 0 FROM speakers s WHERE s.tenant_id = $1 AND s.video_id = $2"
                             " ORDER BY s.diarization_id, s.speaker_index"};
constexpr Statement kCount{
    "speakers.count",
    "SELECT COUNT(*) FROM speakers s WHERE s.tenant_id = $1" NRL_SPEAKER_CONDITIONS};
constexpr Statement kPage{"speakers.page",
                          "SELECT " NRL_COUNTED_COLUMNS
                          " FROM speakers s WHERE s.tenant_id = $1" NRL_SPEAKER_CONDITIONS
                          " AND ($3 = '' OR s.id < $3) ORDER BY s.id DESC LIMIT $4 OFFSET $5"};
constexpr Statement kGet{"speakers.get", "SELECT " NRL_COUNTED_COLUMNS
                                         " FROM speakers s WHERE s.tenant_id = $1"
                                         " AND s.id = $2" NRL_OF_LIVE_VIDEO};

// Of a row of NRL_SPEAKER_COLUMNS and the number of turns.
StoredSpeaker ReadSpeaker(const Row& row) {
  StoredSpeaker speaker{.id = SpeakerId::FromTrusted(row.Text(0)),
                        .video = VideoId::FromTrusted(row.Text(1)),
                        .diarization = DiarizationId::FromTrusted(row.Text(2)),
                        .speaker_index = static_cast<int>(row.Int(3)),
                        .label = row.Text(4),
                        .speech_ms = row.Int(5),
                        .created_at = {row.Int(6)},
                        .name = row.Text(8),
                        .turns_count = row.Int(9)};
  if (!row.IsNull(7)) speaker.person = PersonId::FromTrusted(row.Text(7));
  return speaker;
}

std::vector<StoredSpeaker> ReadSpeakers(const Rows& rows) {
  std::vector<StoredSpeaker> speakers;
  speakers.reserve(rows.size());
  for (const Row& row : rows) speakers.push_back(ReadSpeaker(row));
  return speakers;
}

}  // namespace

Status InsertDiarization(access::Tx& tx, const StoredDiarization& diarization,
                         const std::vector<StoredSpeaker>& speakers,
                         const std::vector<StoredTurn>& turns) {
  NRL_TRY(const Rows version, tx.Query(kNextVersion, tx.tenant(), diarization.video));
  NRL_CHECK(tx.Execute(kInsert, diarization.id, tx.tenant(), diarization.video, version[0].Int(0),
                       diarization.model, diarization.model_hash, diarization.settings_hash,
                       diarization.created_at));
  NRL_CHECK(tx.Execute(kSupersede, tx.tenant(), diarization.video, diarization.id));
  for (const StoredSpeaker& speaker : speakers) {
    NRL_CHECK(tx.Execute(kInsertSpeaker, speaker.id, tx.tenant(), diarization.video, diarization.id,
                         speaker.speaker_index, speaker.label, speaker.speech_ms,
                         diarization.created_at));
  }
  int64_t index = 0;
  for (const StoredTurn& turn : turns) {
    NRL_CHECK(tx.Execute(kInsertTurn, tx.tenant(), diarization.id, index++, turn.speaker,
                         turn.range.start_ms, turn.range.end_ms, turn.confidence));
  }
  return {};
}

Result<std::optional<StoredDiarization>> CurrentDiarization(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(kCurrent, tx.tenant(), video));
  if (rows.empty()) return std::nullopt;
  const Row& row = rows[0];
  return StoredDiarization{DiarizationId::FromTrusted(row.Text(0)),
                           VideoId::FromTrusted(row.Text(1)),
                           static_cast<int>(row.Int(2)),
                           row.Text(3),
                           row.Text(4),
                           row.Text(5),
                           {row.Int(6)}};
}

Result<std::vector<StoredSpeaker>> SpeakersOf(access::Tx& tx, const DiarizationId& diarization) {
  NRL_TRY(const Rows rows, tx.Query(kOfDiarization, tx.tenant(), diarization));
  return ReadSpeakers(rows);
}

Result<std::vector<StoredSpeaker>> SpeakersOfVideo(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(kOfVideo, tx.tenant(), video));
  return ReadSpeakers(rows);
}

Result<std::vector<StoredTurn>> TurnsOf(access::Tx& tx, const DiarizationId& diarization) {
  NRL_TRY(const Rows rows, tx.Query(kTurns, tx.tenant(), diarization));
  std::vector<StoredTurn> turns;
  turns.reserve(rows.size());
  for (const Row& row : rows) {
    turns.push_back({SpeakerId::FromTrusted(row.Text(0)), {row.Int(1), row.Int(2)}, row.Real(3)});
  }
  return turns;
}

Result<access::Page<StoredSpeaker>> ListSpeakers(access::Tx& tx,
                                                 const std::optional<VideoId>& video,
                                                 const access::PageRequest& page) {
  const std::string of_video = video ? video->str() : std::string();
  NRL_TRY(const Rows counted, tx.Query(kCount, tx.tenant(), of_video));
  NRL_TRY(const Rows rows,
          tx.Query(kPage, tx.tenant(), of_video, page.after, page.limit + 1, page.offset));
  return access::CutPage(ReadSpeakers(rows), page, counted[0].Int(0),
                         [](const StoredSpeaker& speaker) { return speaker.id.str(); });
}

Result<StoredSpeaker> GetSpeaker(access::Tx& tx, const SpeakerId& speaker) {
  NRL_TRY(const Rows rows, tx.Query(kGet, tx.tenant(), speaker));
  if (!rows.empty()) return ReadSpeaker(rows[0]);
  return Fail(ErrorCode::kNotFound, fmt::format("speaker {} does not exist", speaker.str()),
              "narralytica speakers VIDEO lists those of a video");
}

}  // namespace narralytica::speakers
