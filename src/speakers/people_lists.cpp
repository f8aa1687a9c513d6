#include "speakers/people_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "media/title.hpp"

namespace narralytica::speakers {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

// Speakers `s` that count, with their videos `v`; a WHERE follows.
#define NRL_LIVE_SPEAKERS                                                         \
  " FROM speakers s"                                                              \
  " JOIN diarizations d ON d.tenant_id = s.tenant_id AND d.id = s.diarization_id" \
  " AND d.superseded_by IS NULL"                                                  \
  " JOIN videos v ON v.tenant_id = s.tenant_id AND v.id = s.video_id"             \
  " AND v.status <> 'deleted'"
#define NRL_SEEN_AT "COALESCE(v.published_at_ms, v.created_at_ms)"
#define NRL_PEOPLE                                                                        \
  " LEFT JOIN (SELECT s.person_id, COUNT(*) AS speakers,"                                 \
  " COUNT(DISTINCT s.video_id) AS videos, CAST(SUM(s.speech_ms) AS BIGINT) AS speech_ms," \
  " MIN(" NRL_SEEN_AT ") AS first_ms, MAX(" NRL_SEEN_AT ") AS last_ms" NRL_LIVE_SPEAKERS  \
  " WHERE s.tenant_id = $1 AND s.person_id IS NOT NULL GROUP BY s.person_id) a"           \
  " ON a.person_id = p.id"
#define NRL_STANDING " AND p.merged_into IS NULL AND p.withdrawn = 0 AND p.erased_at_ms IS NULL"
#define NRL_PERSON_COLUMNS                                                                       \
  "p.id, p.name, p.consent, p.revision, p.created_at_ms, p.updated_at_ms,"                       \
  " COALESCE(a.videos, 0), COALESCE(a.speakers, 0), COALESCE(a.speech_ms, 0), a.first_ms,"       \
  " a.last_ms, (SELECT COUNT(*) FROM voiceprints q JOIN speakers w ON w.tenant_id = q.tenant_id" \
  " AND w.id = q.speaker_id WHERE q.tenant_id = $1 AND (q.person_id = p.id"                      \
  " OR (q.person_id IS NULL AND w.person_id = p.id)))"
#define NRL_PEOPLE_CONDITIONS                              \
  " AND (p.name IS NOT NULL OR a.speakers > 0)"            \
  " AND ($2 = '' OR p.name_folded LIKE $2 ESCAPE '\\')"    \
  " AND ($3 = '' OR ($3 = 'named' AND p.name IS NOT NULL)" \
  " OR ($3 = 'unknown' AND p.name IS NULL))"

constexpr Statement kCount{"people.count",
                           "SELECT COUNT(*) FROM people p" NRL_PEOPLE
                           " WHERE p.tenant_id = $1" NRL_STANDING NRL_PEOPLE_CONDITIONS};
constexpr Statement kPage{"people.page",
                          "SELECT " NRL_PERSON_COLUMNS " FROM people p" NRL_PEOPLE
                          " WHERE p.tenant_id = $1" NRL_STANDING NRL_PEOPLE_CONDITIONS
                          " AND ($4 = '' OR p.id < $4) ORDER BY p.id DESC LIMIT $5 OFFSET $6"};
constexpr Statement kGet{"people.get", "SELECT " NRL_PERSON_COLUMNS " FROM people p" NRL_PEOPLE
                                       " WHERE p.tenant_id = $1" NRL_STANDING " AND p.id = $2"};
constexpr Statement kAppearances{
    "people.appearances",
    "SELECT s.video_id, v.title, v.published_at_ms, s.id, s.label, s.speech_ms, s.person_how,"
    " s.person_score, s.diarization_id" NRL_LIVE_SPEAKERS
    " WHERE s.tenant_id = $1 AND s.person_id = $2 ORDER BY " NRL_SEEN_AT
    " DESC, s.id DESC LIMIT $3"};
// The clearest: long, up to ten seconds, and sure.
constexpr Statement kEvidence{
    "people.evidence",
    "SELECT start_ms, end_ms FROM speaker_turns WHERE tenant_id = $1 AND diarization_id = $2"
    " AND speaker_id = $3 ORDER BY confidence * CASE WHEN end_ms - start_ms < 10000"
    " THEN end_ms - start_ms ELSE 10000 END DESC, start_ms LIMIT $4"};
constexpr Statement kTalk{"people.talk",
                          "SELECT " NRL_SEEN_AT ", s.speech_ms, s.video_id" NRL_LIVE_SPEAKERS
                          " WHERE s.tenant_id = $1 AND s.person_id = $2 ORDER BY " NRL_SEEN_AT
                          " DESC, s.id LIMIT $3"};
constexpr Statement kCompanions{
    "people.companions",
    "SELECT theirs.person_id, p.name, COUNT(*),"
    " CAST(SUM(mine.speech_ms + theirs.speech_ms) AS BIGINT) AS shared_ms"
    " FROM (SELECT s.video_id, SUM(s.speech_ms) AS speech_ms" NRL_LIVE_SPEAKERS
    " WHERE s.tenant_id = $1 AND s.person_id = $2 GROUP BY s.video_id) mine"
    " JOIN (SELECT s.video_id, s.person_id, SUM(s.speech_ms) AS speech_ms" NRL_LIVE_SPEAKERS
    " WHERE s.tenant_id = $1 AND s.person_id <> $2 GROUP BY s.video_id, s.person_id) theirs"
    " ON theirs.video_id = mine.video_id"
    " JOIN people p ON p.tenant_id = $1 AND p.id = theirs.person_id"
    " GROUP BY theirs.person_id, p.name ORDER BY shared_ms DESC, theirs.person_id LIMIT $3"};
constexpr Statement kOfVideo{
    "people.of_video",
    "SELECT s.id, s.person_id, p.name, s.person_how, s.person_score FROM speakers s"
    " JOIN diarizations d ON d.tenant_id = s.tenant_id AND d.id = s.diarization_id"
    " JOIN people p ON p.tenant_id = s.tenant_id AND p.id = s.person_id"
    " WHERE s.tenant_id = $1 AND s.video_id = $2 AND d.superseded_by IS NULL"
    " ORDER BY s.speaker_index"};

constexpr int kEvidenceMax = 3;
constexpr int64_t kEvidenceMsMax = 15'000;
constexpr size_t kMonthCharacters = 7;

std::optional<UtcMs> MaybeTime(const Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return UtcMs{row.Int(column)};
}

Person ReadPerson(const Row& row) {
  return {.id = PersonId::FromTrusted(row.Text(0)),
          .name = row.MaybeText(1),
          .consent = row.Text(2),
          .videos_count = row.Int(6),
          .speakers_count = row.Int(7),
          .voiceprints_count = row.Int(11),
          .speech_ms = row.Int(8),
          .first_seen_at = MaybeTime(row, 9),
          .last_seen_at = MaybeTime(row, 10),
          .revision = row.Int(3),
          .created_at = {row.Int(4)},
          .updated_at = {row.Int(5)}};
}

// For LIKE, with the wildcards in the text escaped.
std::string Containing(std::string_view text) {
  if (text.empty()) return {};
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

Result<std::vector<TimeRange>> EvidenceOf(access::Tx& tx, const std::string& diarization,
                                          const SpeakerId& speaker) {
  NRL_TRY(const Rows rows, tx.Query(kEvidence, tx.tenant(), diarization, speaker, kEvidenceMax));
  std::vector<TimeRange> clips;
  for (const Row& row : rows) {
    clips.push_back({row.Int(0), std::min(row.Int(1), row.Int(0) + kEvidenceMsMax)});
  }
  return clips;
}

Result<std::vector<Appearance>> AppearancesOf(access::Tx& tx, const PersonId& person) {
  NRL_TRY(const Rows rows, tx.Query(kAppearances, tx.tenant(), person, kAppearancesMax));
  std::vector<Appearance> appearances;
  for (const Row& row : rows) {
    Appearance appearance{.video = VideoId::FromTrusted(row.Text(0)),
                          .title = row.Text(1),
                          .published_at = MaybeTime(row, 2),
                          .speaker = SpeakerId::FromTrusted(row.Text(3)),
                          .label = row.Text(4),
                          .speech_ms = row.Int(5),
                          .how = row.Text(6),
                          .score = row.MaybeReal(7),
                          .evidence = {}};
    NRL_TRY(appearance.evidence, EvidenceOf(tx, row.Text(8), appearance.speaker));
    appearances.push_back(std::move(appearance));
  }
  return appearances;
}

Result<std::vector<MonthOfTalk>> MonthsOf(access::Tx& tx, const PersonId& person) {
  NRL_TRY(const Rows rows, tx.Query(kTalk, tx.tenant(), person, kTalkRowsMax));
  std::map<std::string, MonthOfTalk> months;
  std::set<std::pair<std::string, std::string>> counted;
  for (const Row& row : rows) {
    const std::string month = FormatRfc3339({row.Int(0)}).substr(0, kMonthCharacters);
    MonthOfTalk& talk = months[month];
    talk.month = month;
    talk.speech_ms += row.Int(1);
    if (counted.emplace(month, row.Text(2)).second) ++talk.videos_count;
  }
  while (months.size() > kMonthsMax) months.erase(months.begin());
  std::vector<MonthOfTalk> found;
  for (auto& [month, talk] : months) found.push_back(std::move(talk));
  return found;
}

Result<std::vector<Companion>> CompanionsOf(access::Tx& tx, const PersonId& person) {
  NRL_TRY(const Rows rows, tx.Query(kCompanions, tx.tenant(), person, kCompanionsMax));
  std::vector<Companion> companions;
  for (const Row& row : rows) {
    companions.push_back(
        {PersonId::FromTrusted(row.Text(0)), row.MaybeText(1), row.Int(2), row.Int(3)});
  }
  return companions;
}

}  // namespace

Result<access::Page<Person>> ListPeople(access::Tx& tx, const PeopleFilter& filter,
                                        const access::PageRequest& page) {
  const std::string like = Containing(media::FoldTitle(filter.q));
  NRL_TRY(const Rows counted, tx.Query(kCount, tx.tenant(), like, filter.state));
  NRL_TRY(const Rows rows, tx.Query(kPage, tx.tenant(), like, filter.state, page.after,
                                    page.limit + 1, page.offset));
  std::vector<Person> people;
  for (const Row& row : rows) people.push_back(ReadPerson(row));
  return access::CutPage(std::move(people), page, counted[0].Int(0),
                         [](const Person& person) { return person.id.str(); });
}

Result<Person> GetPerson(access::Tx& tx, const PersonId& person) {
  NRL_TRY(const Rows rows, tx.Query(kGet, tx.tenant(), person));
  if (!rows.empty()) return ReadPerson(rows[0]);
  return Fail(ErrorCode::kNotFound, fmt::format("person {} does not exist", person.str()),
              "narralytica people lists them");
}

Result<Profile> LoadProfile(access::Tx& tx, const PersonId& person) {
  Profile profile;
  NRL_TRY(profile.person, GetPerson(tx, person));
  NRL_TRY(profile.appearances, AppearancesOf(tx, person));
  NRL_TRY(profile.talk_by_month, MonthsOf(tx, person));
  NRL_TRY(profile.speaks_with, CompanionsOf(tx, person));
  return profile;
}

Result<std::vector<NamedSpeaker>> PeopleOfVideo(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(kOfVideo, tx.tenant(), video));
  std::vector<NamedSpeaker> named;
  for (const Row& row : rows) {
    named.push_back({SpeakerId::FromTrusted(row.Text(0)), PersonId::FromTrusted(row.Text(1)),
                     row.MaybeText(2), row.Text(3), row.MaybeReal(4)});
  }
  return named;
}

}  // namespace narralytica::speakers
