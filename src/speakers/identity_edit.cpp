#include "speakers/identity_edit.hpp"

#include <fmt/format.h>

#include <charconv>

#include "jobs/changes.hpp"
#include "media/title.hpp"

namespace narralytica::speakers {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;
using Value = std::optional<std::string>;

constexpr Statement kInsertPerson{
    "people.insert",
    "INSERT INTO people (id, tenant_id, withdrawn, created_at_ms, updated_at_ms)"
    " VALUES ($1, $2, 1, $3, $3)"};
constexpr Statement kPerson{
    "people.values",
    "SELECT name, consent, merged_into, withdrawn FROM people WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetName{"people.set_name",
                             "UPDATE people SET name = $3, name_folded = $4"
                             " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetConsent{"people.set_consent",
                                "UPDATE people SET consent = $3 WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetMerged{
    "people.set_merged_into",
    "UPDATE people SET merged_into = $3 WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetWithdrawn{
    "people.set_withdrawn", "UPDATE people SET withdrawn = $3 WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kTouch{"people.touch",
                           "UPDATE people SET revision = revision + 1, updated_at_ms = $3"
                           " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kLink{"speakers.link",
                          "SELECT person_id, person_how, person_score, video_id FROM speakers"
                          " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetLink{"speakers.set_link",
                             "UPDATE speakers SET person_id = $3, person_how = $4,"
                             " person_score = $5 WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kVideosOfPerson{
    "speakers.videos_of_person",
    "SELECT DISTINCT s.video_id FROM speakers s JOIN diarizations d ON d.tenant_id = s.tenant_id"
    " AND d.id = s.diarization_id WHERE s.tenant_id = $1 AND s.person_id = $2"
    " AND d.superseded_by IS NULL"};
constexpr Statement kVoiceprintPerson{
    "voiceprints.person", "SELECT person_id FROM voiceprints WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSetVoiceprintPerson{
    "voiceprints.set_person",
    "UPDATE voiceprints SET person_id = $3 WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kRejection{"identity_rejections.find",
                               "SELECT 1 FROM identity_rejections WHERE tenant_id = $1"
                               " AND speaker_id = $2 AND person_id = $3"};
constexpr Statement kReject{
    "identity_rejections.insert",
    "INSERT INTO identity_rejections (tenant_id, speaker_id, person_id, created_at_ms)"
    " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"};
constexpr Statement kUnreject{"identity_rejections.delete",
                              "DELETE FROM identity_rejections WHERE tenant_id = $1"
                              " AND speaker_id = $2 AND person_id = $3"};
constexpr Statement kInsertEvent{
    "identity_events.insert",
    "INSERT INTO identity_events (id, tenant_id, kind, person_id, other_person_id, speaker_id,"
    " evidence, actor, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
constexpr Statement kInsertChange{
    "identity_changes.insert",
    "INSERT INTO identity_changes (tenant_id, event_id, change_index, kind, row_id, value_before,"
    " value_after) VALUES ($1, $2, $3, $4, $5, $6, $7)"};
constexpr Statement kChanges{"identity_changes.of_event",
                             "SELECT kind, row_id, value_before, value_after FROM identity_changes"
                             " WHERE tenant_id = $1 AND event_id = $2 ORDER BY change_index"};

constexpr size_t kUuidBytes = 36;
constexpr const char* kYes = "1";

// "PERSON how" or "PERSON how SCORE".
Value LinkText(const std::optional<PersonLink>& link) {
  if (!link) return std::nullopt;
  std::string text = link->person.str() + " " + link->how;
  if (link->score) text += fmt::format(" {}", *link->score);
  return text;
}

PersonLink ParseLink(const std::string& text) {
  PersonLink link{PersonId::FromTrusted(text.substr(0, kUuidBytes)),
                  text.substr(std::min(text.size(), kUuidBytes + 1)),
                  {}};
  const size_t space = link.how.find(' ');
  if (space != std::string::npos) {
    double score = 0;
    std::from_chars(link.how.data() + space + 1, link.how.data() + link.how.size(), score);
    link.score = score;
    link.how.resize(space);
  }
  return link;
}

Value TextOf(const std::optional<PersonId>& id) {
  if (!id) return std::nullopt;
  return id->str();
}

Error Overtaken() {
  return {ErrorCode::kConflict,
          "something later rests on this",
          "narralytica people events PERSON lists it; undo the later one first",
          {},
          {}};
}

}  // namespace

Status LockIdentities(access::Tx& tx) { return tx.Lock("identities:" + tx.tenant().str()); }

Result<PersonId> IdentityEdit::CreatePerson(const Value& name) {
  const PersonId person = PersonId::New(environment_);
  NRL_CHECK(tx_.Execute(kInsertPerson, person, tx_.tenant(), environment_.clock.Now()));
  NRL_CHECK(Set("withdrawn", person.str(), std::nullopt));
  NRL_CHECK(Rename(person, name));
  return person;
}

Status IdentityEdit::Link(const SpeakerId& speaker, const std::optional<PersonLink>& link) {
  return Set("speaker", speaker.str(), LinkText(link));
}

Status IdentityEdit::Rename(const PersonId& person, const Value& name) {
  return Set("name", person.str(), name);
}

Status IdentityEdit::SetConsent(const PersonId& person, const std::string& consent) {
  return Set("consent", person.str(), consent);
}

Status IdentityEdit::SetMergedInto(const PersonId& person, const PersonId& into) {
  return Set("merged_into", person.str(), into.str());
}

Status IdentityEdit::Enrol(const NewVoiceprint& voiceprint) {
  NRL_TRY(const VoiceprintId id, InsertVoiceprint(tx_, voiceprint, environment_));
  const IdentityChange change{"voiceprint", id.str(), std::nullopt, TextOf(voiceprint.person)};
  changes_.push_back(change);
  return Follow("voiceprint", change);
}

Status IdentityEdit::MoveVoiceprint(const VoiceprintId& voiceprint, const PersonId& person) {
  return Set("voiceprint", voiceprint.str(), person.str());
}

Status IdentityEdit::SetRejected(const SpeakerId& speaker, const PersonId& person, bool rejected) {
  return Set("rejection", speaker.str() + " " + person.str(),
             rejected ? Value(kYes) : Value(std::nullopt));
}

Status IdentityEdit::Revert(const IdentityChange& change) {
  NRL_TRY(const Value now, Current(change.kind, change.row_id));
  if (now != change.after) return Fail(Overtaken());
  if (change.kind == "voiceprint" && !change.after) {
    return Fail(ErrorCode::kConflict, "the voiceprint is gone", "enrol the voice again");
  }
  return Set(change.kind, change.row_id, change.before);
}

Status IdentityEdit::Set(const std::string& kind, const std::string& row_id, const Value& value) {
  NRL_TRY(const Value before, Current(kind, row_id));
  if (before == value) return {};
  NRL_CHECK(Write(kind, row_id, value));
  const IdentityChange change{kind, row_id, before, value};
  changes_.push_back(change);
  return Follow(kind, change);
}

Result<Value> IdentityEdit::Current(const std::string& kind, const std::string& row_id) {
  if (kind == "speaker") {
    NRL_TRY(const Row row, tx_.One("this speaker", kLink, tx_.tenant(), row_id));
    if (row.IsNull(0)) return std::nullopt;
    return LinkText(PersonLink{PersonId::FromTrusted(row.Text(0)), row.Text(1), row.MaybeReal(2)});
  }
  if (kind == "voiceprint") {
    NRL_TRY(const Rows rows, tx_.Query(kVoiceprintPerson, tx_.tenant(), row_id));
    return rows.empty() ? Value() : rows[0].MaybeText(0);
  }
  if (kind == "rejection") {
    NRL_TRY(const Rows rows, tx_.Query(kRejection, tx_.tenant(), row_id.substr(0, kUuidBytes),
                                       row_id.substr(kUuidBytes + 1)));
    return rows.empty() ? Value() : Value(kYes);
  }
  NRL_TRY(const Row row, tx_.One("this person", kPerson, tx_.tenant(), row_id));
  if (kind == "name") return row.MaybeText(0);
  if (kind == "consent") return Value(row.Text(1));
  if (kind == "merged_into") return row.MaybeText(2);
  return row.Int(3) == 0 ? Value() : Value(kYes);
}

Status IdentityEdit::Write(const std::string& kind, const std::string& row_id, const Value& value) {
  if (kind == "speaker") return WriteLink(row_id, value);
  if (kind == "rejection") return WriteRejection(row_id, value.has_value());
  if (kind == "voiceprint") {
    if (!value) {
      NRL_CHECK(DeleteVoiceprint(tx_, VoiceprintId::FromTrusted(row_id)));
      return {};
    }
    NRL_CHECK(tx_.Execute(kSetVoiceprintPerson, tx_.tenant(), row_id, *value));
    return {};
  }
  if (kind == "withdrawn") {
    NRL_CHECK(tx_.Execute(kSetWithdrawn, tx_.tenant(), row_id, value ? 1 : 0));
    return {};
  }
  if (kind == "name") {
    const Value folded = value ? Value(media::FoldTitle(*value)) : Value();
    NRL_CHECK(tx_.Execute(kSetName, tx_.tenant(), row_id, value, folded));
    return {};
  }
  const Statement& statement = kind == "consent" ? kSetConsent : kSetMerged;
  NRL_CHECK(tx_.Execute(statement, tx_.tenant(), row_id, value));
  return {};
}

Status IdentityEdit::WriteLink(const std::string& speaker, const Value& value) {
  if (!value) {
    NRL_CHECK(tx_.Execute(kSetLink, tx_.tenant(), speaker, nullptr, nullptr, nullptr));
    return {};
  }
  const PersonLink link = ParseLink(*value);
  NRL_CHECK(tx_.Execute(kSetLink, tx_.tenant(), speaker, link.person, link.how, link.score));
  return {};
}

Status IdentityEdit::WriteRejection(const std::string& row_id, bool rejected) {
  const std::string speaker = row_id.substr(0, kUuidBytes);
  const std::string person = row_id.substr(kUuidBytes + 1);
  if (rejected) {
    NRL_CHECK(tx_.Execute(kReject, tx_.tenant(), speaker, person, environment_.clock.Now()));
  } else {
    NRL_CHECK(tx_.Execute(kUnreject, tx_.tenant(), speaker, person));
  }
  return {};
}

Status IdentityEdit::Follow(const std::string& kind, const IdentityChange& change) {
  if (kind == "rejection") return {};
  if (kind == "speaker" || kind == "voiceprint") {
    for (const Value& value : {change.before, change.after}) {
      if (value) touched_.insert(value->substr(0, kUuidBytes));
    }
    if (kind == "voiceprint") return {};
    NRL_TRY(const Row row, tx_.One("this speaker", kLink, tx_.tenant(), change.row_id));
    videos_.insert(VideoId::FromTrusted(row.Text(3)));
    return {};
  }
  touched_.insert(change.row_id);
  return kind == "name" ? NoteVideosOf(change.row_id) : Status();
}

Status IdentityEdit::NoteVideosOf(const std::string& person) {
  NRL_TRY(const Rows rows, tx_.Query(kVideosOfPerson, tx_.tenant(), person));
  for (const Row& row : rows) videos_.insert(VideoId::FromTrusted(row.Text(0)));
  return {};
}

Result<IdentityEventId> IdentityEdit::Record(IdentityEvent event) {
  const UtcMs now = environment_.clock.Now();
  event.id = IdentityEventId::New(environment_);
  if (event.actor.empty()) event.actor = tx_.scope().actor;
  Value speaker;
  if (event.speaker) speaker = event.speaker->str();
  NRL_CHECK(tx_.Execute(kInsertEvent, event.id, tx_.tenant(), event.kind, TextOf(event.person),
                        TextOf(event.other_person), speaker, event.evidence.dump(), event.actor,
                        now));
  int64_t index = 0;
  for (const IdentityChange& change : changes_) {
    NRL_CHECK(tx_.Execute(kInsertChange, tx_.tenant(), event.id, index++, change.kind,
                          change.row_id, change.before, change.after));
  }
  for (const std::string& person : touched_) {
    NRL_CHECK(tx_.Execute(kTouch, tx_.tenant(), person, now));
  }
  for (const VideoId& video : videos_) {
    NRL_CHECK(jobs::AppendChange(tx_, {"diarization", video.str()}, "put", now));
  }
  return event.id;
}

Result<std::vector<IdentityChange>> ChangesOf(access::Tx& tx, const IdentityEventId& event) {
  NRL_TRY(const Rows rows, tx.Query(kChanges, tx.tenant(), event));
  std::vector<IdentityChange> changes;
  for (const Row& row : rows) {
    changes.push_back({row.Text(0), row.Text(1), row.MaybeText(2), row.MaybeText(3)});
  }
  return changes;
}

}  // namespace narralytica::speakers
