#include "speakers/people.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>

#include "base/utf8.hpp"
#include "speakers/identify.hpp"
#include "speakers/speaker_store.hpp"

namespace narralytica::speakers {
namespace {

using nlohmann::json;
using platform::Row;
using platform::Rows;
using platform::Statement;

constexpr Statement kState{"people.state",
                           "SELECT merged_into, withdrawn, erased_at_ms FROM people"
                           " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kName{"people.name",
                          "SELECT name FROM people WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSpeaker{
    "speakers.standing",
    "SELECT s.person_id, d.superseded_by FROM speakers s JOIN diarizations d"
    " ON d.tenant_id = s.tenant_id AND d.id = s.diarization_id"
    " WHERE s.tenant_id = $1 AND s.id = $2"};
constexpr Statement kSpeakersOf{
    "speakers.of_person",
    "SELECT id, person_how, person_score FROM speakers WHERE tenant_id = $1 AND person_id = $2"
    " ORDER BY id"};
constexpr Statement kVoiceprintsOf{
    "voiceprints.of_person",
    "SELECT id FROM voiceprints WHERE tenant_id = $1 AND person_id = $2 ORDER BY id"};
constexpr Statement kContradiction{
    "identity_rejections.between",
    "SELECT r.speaker_id FROM identity_rejections r JOIN speakers s ON s.tenant_id = r.tenant_id"
    " AND s.id = r.speaker_id WHERE r.tenant_id = $1 AND ((r.person_id = $2 AND s.person_id = $3)"
    " OR (r.person_id = $3 AND s.person_id = $2)) LIMIT 1"};
constexpr Statement kRejectionsOf{
    "identity_rejections.of_person",
    "SELECT speaker_id FROM identity_rejections WHERE tenant_id = $1 AND person_id = $2"
    " ORDER BY speaker_id"};
constexpr Statement kReferences{
    "people.references",
    "SELECT (SELECT COUNT(*) FROM speakers s WHERE s.tenant_id = $1 AND s.person_id = $2)"
    " + (SELECT COUNT(*) FROM voiceprints p WHERE p.tenant_id = $1 AND p.person_id = $2)"
    " + (SELECT COUNT(*) FROM people o WHERE o.tenant_id = $1 AND o.merged_into = $2)"};
constexpr Statement kHeir{"identity_events.carried",
                          "SELECT COUNT(*) FROM identity_events WHERE tenant_id = $1"
                          " AND undone_by IS NULL AND evidence LIKE $2"};

#define NRL_EVENT_COLUMNS                                                             \
  "e.id, e.kind, e.person_id, e.other_person_id, e.speaker_id, e.evidence, e.actor,"  \
  " e.created_at_ms, e.undone_by, CASE WHEN EXISTS (SELECT 1 FROM identity_changes c" \
  " WHERE c.tenant_id = e.tenant_id AND c.event_id = e.id) THEN 1 ELSE 0 END"
#define NRL_OF_PERSON " AND (e.person_id = $2 OR e.other_person_id = $2)"

constexpr Statement kGetEvent{"identity_events.get",
                              "SELECT " NRL_EVENT_COLUMNS
                              " FROM identity_events e WHERE e.tenant_id = $1 AND e.id = $2"};
constexpr Statement kCountEvents{
    "identity_events.count",
    "SELECT COUNT(*) FROM identity_events e WHERE e.tenant_id = $1" NRL_OF_PERSON};
constexpr Statement kListEvents{
    "identity_events.page",
    "SELECT " NRL_EVENT_COLUMNS " FROM identity_events e WHERE e.tenant_id = $1" NRL_OF_PERSON
    " AND ($3 = '' OR e.id < $3) ORDER BY e.id DESC LIMIT $4 OFFSET $5"};
constexpr Statement kSetUndone{
    "identity_events.set_undone",
    "UPDATE identity_events SET undone_by = $3 WHERE tenant_id = $1 AND id = $2"};

constexpr size_t kNameCharactersMax = 200;
constexpr int kMergesMax = 100;  // one after the other

Error Wrong(std::string message, std::string hint) {
  return {ErrorCode::kInvalid, std::move(message), std::move(hint), {}, "invalid_field:name"};
}

bool IsControl(std::string_view sequence) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (sequence.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  // Line and paragraph separators, and what turns the direction of text.
  return sequence.size() == 3 && byte(0) == 0xe2 &&
         ((byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) ||
          (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9));
}

Error NoPerson(const PersonId& person) {
  return {ErrorCode::kNotFound,
          fmt::format("person {} does not exist", person.str()),
          "narralytica people lists them",
          {},
          {}};
}

Result<std::optional<PersonId>> PersonOfCurrent(access::Tx& tx, const SpeakerId& speaker) {
  NRL_CHECK(GetSpeaker(tx, speaker));
  NRL_TRY(const Row row, tx.One("this speaker", kSpeaker, tx.tenant(), speaker));
  if (!row.IsNull(1)) {
    return Fail(ErrorCode::kConflict, "the recording's speakers were told apart again since",
                "take one of its speakers as they are now");
  }
  if (row.IsNull(0)) return std::nullopt;
  return PersonId::FromTrusted(row.Text(0));
}

// By how long each speaks in the range, the longest first.
Result<std::optional<SpeakerId>> WhoSpeaks(access::Tx& tx, const VoiceClip& clip) {
  NRL_TRY(const auto diarization, CurrentDiarization(tx, clip.video));
  if (!diarization) return std::nullopt;
  NRL_TRY(const auto turns, TurnsOf(tx, diarization->id));
  std::map<SpeakerId, int64_t> spoken_ms;
  for (const StoredTurn& turn : turns) {
    const int64_t both = std::min(turn.range.end_ms, clip.range.end_ms) -
                         std::max(turn.range.start_ms, clip.range.start_ms);
    if (both > 0) spoken_ms[turn.speaker] += both;
  }
  if (spoken_ms.empty()) return std::nullopt;
  return std::ranges::max_element(spoken_ms, {}, [](const auto& one) { return one.second; })->first;
}

IdentityEvent ReadEvent(const Row& row) {
  IdentityEvent event{.id = IdentityEventId::FromTrusted(row.Text(0)), .kind = row.Text(1)};
  if (!row.IsNull(2)) event.person = PersonId::FromTrusted(row.Text(2));
  if (!row.IsNull(3)) event.other_person = PersonId::FromTrusted(row.Text(3));
  if (!row.IsNull(4)) event.speaker = SpeakerId::FromTrusted(row.Text(4));
  event.evidence = json::parse(row.Text(5));
  event.actor = row.Text(6);
  event.created_at = {row.Int(7)};
  if (!row.IsNull(8)) event.undone_by = IdentityEventId::FromTrusted(row.Text(8));
  event.can_undo = !event.undone_by && event.kind != "erase" && row.Int(9) != 0;
  return event;
}

Status CheckUndoable(access::Tx& tx, const IdentityEvent& event) {
  if (event.undone_by) {
    return Fail(ErrorCode::kConflict, "this was undone already", "undo that undo to have it again");
  }
  if (!event.can_undo) {
    return Fail(ErrorCode::kConflict, "this cannot be undone",
                "what it rested on was erased with a person");
  }
  NRL_TRY(const auto changes, ChangesOf(tx, event.id));
  for (const IdentityChange& change : changes) {
    if (change.kind != "speaker") continue;
    const std::string carried = fmt::format("%\"carried_from\":\"{}\"%", change.row_id);
    NRL_TRY(const Rows heirs, tx.Query(kHeir, tx.tenant(), carried));
    if (heirs[0].Int(0) == 0) continue;
    return Fail(ErrorCode::kConflict, "the recording's speakers were told apart again since",
                "undo what was carried over to them first");
  }
  return {};
}

// Nobody may be left with a person whose creation is undone.
Status CheckWithdrawn(access::Tx& tx, const std::vector<IdentityChange>& changes) {
  for (const IdentityChange& change : changes) {
    if (change.kind != "withdrawn" || !change.before) continue;
    NRL_TRY(const Rows rows, tx.Query(kReferences, tx.tenant(), change.row_id));
    if (rows[0].Int(0) == 0) continue;
    return Fail(ErrorCode::kConflict, "something later rests on this",
                "undo what was done to this person since");
  }
  return {};
}

// Who loses voices when these changes are put back.
RescoreRequest LosersOf(const std::vector<IdentityChange>& changes) {
  constexpr size_t kUuidBytes = 36;
  RescoreRequest request{.left = {}, .moved = {}, .keep_scores = true};
  for (const IdentityChange& change : changes) {
    if (change.kind == "speaker") request.moved.insert(SpeakerId::FromTrusted(change.row_id));
    if ((change.kind == "speaker" || change.kind == "voiceprint") && change.after) {
      request.left.insert(PersonId::FromTrusted(change.after->substr(0, kUuidBytes)));
    }
  }
  return request;
}

}  // namespace

Result<std::string> CleanName(std::string_view name) {
  const size_t first = name.find_first_not_of(' ');
  if (first == std::string_view::npos) return Fail(Wrong("a name is missing", "write a name"));
  name = name.substr(first, name.find_last_not_of(' ') - first + 1);
  size_t characters = 0;
  for (std::string_view rest = name; !rest.empty(); ++characters) {
    const size_t bytes = Utf8SequenceBytes(rest);
    if (bytes == 0 || IsControl(rest.substr(0, bytes))) {
      return Fail(Wrong("the name has characters that cannot be shown", "write it without them"));
    }
    rest.remove_prefix(bytes);
  }
  if (characters > kNameCharactersMax) {
    return Fail(Wrong(fmt::format("the name has {} characters", characters),
                      fmt::format("at most {} are possible", kNameCharactersMax)));
  }
  return std::string(name);
}

Result<PersonId> LivePerson(access::Tx& tx, const PersonId& person) {
  PersonId current = person;
  for (int merges = 0; merges < kMergesMax; ++merges) {
    NRL_TRY(const Rows rows, tx.Query(kState, tx.tenant(), current));
    if (rows.empty() || rows[0].Int(1) != 0 || !rows[0].IsNull(2)) return Fail(NoPerson(person));
    if (rows[0].IsNull(0)) return current;
    current = PersonId::FromTrusted(rows[0].Text(0));
  }
  return Fail(NoPerson(person));
}

Result<IdentityOutcome> People::End(IdentityEdit& edit, IdentityEvent event) {
  IdentityOutcome outcome{.events = {}, .person = event.person, .videos = {}};
  if (edit.empty()) return outcome;
  NRL_TRY(const IdentityEventId id, edit.Record(std::move(event)));
  outcome.events.push_back(id);
  outcome.videos.assign(edit.videos().begin(), edit.videos().end());
  if (outcome.videos.empty()) return outcome;
  // One that runs already may have read the feed before this change, so it does not stand for it.
  const jobs::StageSpec& index = jobs::Pipeline().back();
  NRL_CHECK(parts_.queue.Enqueue(tx_, {.stage = index.name,
                                       .video = outcome.videos.front(),
                                       .payload = "{}",
                                       .priority = 0,
                                       .attempts_max = index.attempts_max,
                                       .unique_key = "identity:" + id.str()}));
  return outcome;
}

Result<PersonId> People::PersonFor(IdentityEdit& edit,
                                   const std::variant<PersonId, std::string>& who) {
  if (const auto* person = std::get_if<PersonId>(&who)) return LivePerson(tx_, *person);
  NRL_TRY(const std::string name, CleanName(std::get<std::string>(who)));
  return edit.CreatePerson(name);
}

Result<IdentityOutcome> People::Create(std::string_view name) {
  IdentityEdit edit(tx_, parts_.environment);
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const PersonId person, PersonFor(edit, std::string(name)));
  return End(edit, {.kind = "create", .person = person, .evidence = {{"by", "name"}}});
}

Result<IdentityOutcome> People::Rename(const PersonId& asked, std::string_view name) {
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const PersonId person, LivePerson(tx_, asked));
  NRL_TRY(const std::string clean, CleanName(name));
  NRL_TRY(const Row before, tx_.One("this person", kName, tx_.tenant(), person));
  IdentityEdit edit(tx_, parts_.environment);
  NRL_CHECK(edit.Rename(person, clean));
  json evidence{{"to", clean}, {"from", nullptr}};
  if (const auto old = before.MaybeText(0)) evidence["from"] = *old;
  return End(edit, {.kind = "rename", .person = person, .evidence = std::move(evidence)});
}

Result<IdentityOutcome> People::SetConsent(const PersonId& asked, const std::string& consent) {
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const PersonId person, LivePerson(tx_, asked));
  IdentityEdit edit(tx_, parts_.environment);
  NRL_CHECK(edit.SetConsent(person, consent));
  return End(edit, {.kind = "consent", .person = person, .evidence = {{"to", consent}}});
}

Result<IdentityOutcome> People::Assign(const SpeakerId& speaker,
                                       const std::variant<PersonId, std::string>& who) {
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const auto before, PersonOfCurrent(tx_, speaker));
  IdentityEdit edit(tx_, parts_.environment);
  NRL_TRY(const PersonId person, PersonFor(edit, who));
  NRL_CHECK(edit.SetRejected(speaker, person, false));
  NRL_CHECK(edit.Link(speaker, PersonLink{person, "person", {}}));
  IdentityEvent event{.kind = "assign", .person = person, .speaker = speaker};
  event.evidence = {{"by", std::holds_alternative<PersonId>(who) ? "person" : "name"}};
  if (before && *before != person) {
    event.other_person = before;
    NRL_CHECK(RescoreMatches(edit, {{*before}, {speaker}}, parts_.rules));
  }
  return End(edit, std::move(event));
}

Result<IdentityOutcome> People::Reject(const SpeakerId& speaker, const PersonId& asked) {
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const auto before, PersonOfCurrent(tx_, speaker));
  NRL_TRY(const PersonId person, LivePerson(tx_, asked));
  IdentityEdit edit(tx_, parts_.environment);
  NRL_CHECK(edit.SetRejected(speaker, person, true));
  if (before == person) {
    NRL_CHECK(edit.Link(speaker, std::nullopt));
    NRL_CHECK(RescoreMatches(edit, {{person}, {speaker}}, parts_.rules));
  }
  return End(edit, {.kind = "reject",
                    .person = person,
                    .speaker = speaker,
                    .evidence = {{"was_linked", before == person}}});
}

Status People::MoveVoiceprints(IdentityEdit& edit, const PersonId& from, const PersonId& to) {
  NRL_TRY(const Rows rows, tx_.Query(kVoiceprintsOf, tx_.tenant(), from));
  for (const Row& row : rows) {
    NRL_CHECK(edit.MoveVoiceprint(VoiceprintId::FromTrusted(row.Text(0)), to));
  }
  return {};
}

Result<IdentityOutcome> People::Merge(const PersonId& asked, const PersonId& asked_into) {
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const PersonId person, LivePerson(tx_, asked));
  NRL_TRY(const PersonId into, LivePerson(tx_, asked_into));
  if (person == into) {
    return Fail(ErrorCode::kConflict, "the two are one person already", "name two people");
  }
  NRL_TRY(const Rows against, tx_.Query(kContradiction, tx_.tenant(), person, into));
  if (!against.empty()) {
    return Fail(ErrorCode::kConflict, "a voice of one was said not to be the other",
                "undo that first, if it was wrong");
  }
  IdentityEdit edit(tx_, parts_.environment);
  NRL_TRY(const Rows speakers, tx_.Query(kSpeakersOf, tx_.tenant(), person));
  for (const Row& row : speakers) {
    NRL_CHECK(edit.Link(SpeakerId::FromTrusted(row.Text(0)),
                        PersonLink{into, row.Text(1), row.MaybeReal(2)}));
  }
  NRL_CHECK(MoveVoiceprints(edit, person, into));
  NRL_TRY(const Rows rejected, tx_.Query(kRejectionsOf, tx_.tenant(), person));
  for (const Row& row : rejected) {
    NRL_CHECK(edit.SetRejected(SpeakerId::FromTrusted(row.Text(0)), into, true));
  }
  NRL_CHECK(edit.SetMergedInto(person, into));
  return End(edit, {.kind = "merge",
                    .person = into,
                    .other_person = person,
                    .evidence = {{"speakers", speakers.size()}}});
}

Result<IdentityOutcome> People::Split(const PersonId& asked, const std::vector<SpeakerId>& speakers,
                                      std::string_view name) {
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const PersonId person, LivePerson(tx_, asked));
  std::optional<std::string> clean;
  if (!name.empty()) {
    NRL_TRY(clean, CleanName(name));
  }
  IdentityEdit edit(tx_, parts_.environment);
  NRL_TRY(const PersonId other, edit.CreatePerson(clean));
  for (const SpeakerId& speaker : speakers) {
    NRL_TRY(const auto before, PersonOfCurrent(tx_, speaker));
    if (before != person) {
      return Fail(Error{ErrorCode::kInvalid,
                        fmt::format("speaker {} is not this person", speaker.str()),
                        "narralytica people show PERSON lists who is",
                        {},
                        "invalid_field:speaker_ids"});
    }
    NRL_CHECK(edit.Link(speaker, PersonLink{other, "person", {}}));
    NRL_CHECK(edit.SetRejected(speaker, person, true));
  }
  NRL_CHECK(RescoreMatches(edit, {{person}, {speakers.begin(), speakers.end()}}, parts_.rules));
  NRL_TRY(IdentityOutcome outcome, End(edit, {.kind = "split",
                                              .person = person,
                                              .other_person = other,
                                              .evidence = {{"speakers", speakers.size()}}}));
  outcome.person = other;
  return outcome;
}

Result<IdentityOutcome> People::Enrol(const PersonId& asked,
                                      const std::variant<SpeakerId, VoiceClip>& source) {
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const PersonId person, LivePerson(tx_, asked));
  const auto* clip = std::get_if<VoiceClip>(&source);
  std::optional<SpeakerId> speaker;
  if (clip != nullptr) {
    NRL_TRY(speaker, WhoSpeaks(tx_, *clip));
    if (!speaker) {
      return Fail(ErrorCode::kConflict, "nobody is known to speak in this clip",
                  "narralytica speakers VIDEO shows who speaks when");
    }
  } else {
    speaker = std::get<SpeakerId>(source);
  }
  NRL_TRY(const auto taken_for, PersonOfCurrent(tx_, *speaker));
  NRL_TRY(auto voice, VoiceOfSpeaker(tx_, *speaker));
  if (!voice || voice->speech_ms < parts_.rules.speech_ms_min) {
    return Fail(ErrorCode::kConflict, "too little is known of this voice",
                fmt::format("take one with {} s of speech that was not erased",
                            parts_.rules.speech_ms_min / 1'000));
  }
  voice->person = person;
  json evidence{{"speaker_id", speaker->str()}, {"speech_ms", voice->speech_ms}};
  if (clip != nullptr) {
    voice->clip = clip->range;
    evidence["video_id"] = clip->video.str();
    evidence["start_ms"] = clip->range.start_ms;
    evidence["end_ms"] = clip->range.end_ms;
  }
  IdentityEdit edit(tx_, parts_.environment);
  NRL_CHECK(edit.Enrol(*voice));
  if (!taken_for) {  // else the same voice would compete with the person's
    NRL_CHECK(edit.SetRejected(*speaker, person, false));
    NRL_CHECK(edit.Link(*speaker, PersonLink{person, "person", {}}));
  }
  return End(
      edit,
      {.kind = "enrol", .person = person, .speaker = speaker, .evidence = std::move(evidence)});
}

Result<IdentityOutcome> People::Undo(const IdentityEventId& id) {
  NRL_CHECK(LockIdentities(tx_));
  NRL_TRY(const IdentityEvent undone, GetIdentityEvent(tx_, id));
  NRL_CHECK(CheckUndoable(tx_, undone));
  NRL_TRY(const std::vector<IdentityChange> changes, ChangesOf(tx_, id));
  IdentityEdit edit(tx_, parts_.environment);
  for (const IdentityChange& change : changes | std::views::reverse) {
    NRL_CHECK(edit.Revert(change));
  }
  NRL_CHECK(CheckWithdrawn(tx_, changes));
  NRL_CHECK(RescoreMatches(edit, LosersOf(changes), parts_.rules));
  NRL_TRY(IdentityOutcome outcome,
          End(edit, {.kind = "undo",
                     .person = undone.person,
                     .other_person = undone.other_person,
                     .speaker = undone.speaker,
                     .evidence = {{"of", id.str()}, {"kind", undone.kind}}}));
  NRL_CHECK(tx_.Execute(kSetUndone, tx_.tenant(), id, outcome.events.front()));
  if (undone.kind == "undo") {  // what that had undone holds again
    NRL_CHECK(tx_.Execute(kSetUndone, tx_.tenant(), undone.evidence.value("of", ""), nullptr));
  }
  if (outcome.person) {
    const auto live = LivePerson(tx_, *outcome.person);
    outcome.person = live ? std::optional(*live) : std::nullopt;
  }
  return outcome;
}

Result<IdentityEvent> GetIdentityEvent(access::Tx& tx, const IdentityEventId& event) {
  NRL_TRY(const Rows rows, tx.Query(kGetEvent, tx.tenant(), event));
  if (!rows.empty()) return ReadEvent(rows[0]);
  return Fail(ErrorCode::kNotFound, fmt::format("identity event {} does not exist", event.str()),
              "narralytica people events PERSON lists them");
}

Result<access::Page<IdentityEvent>> ListIdentityEvents(access::Tx& tx, const PersonId& person,
                                                       const access::PageRequest& page) {
  NRL_TRY(const Rows counted, tx.Query(kCountEvents, tx.tenant(), person));
  NRL_TRY(const Rows rows,
          tx.Query(kListEvents, tx.tenant(), person, page.after, page.limit + 1, page.offset));
  std::vector<IdentityEvent> events;
  for (const Row& row : rows) events.push_back(ReadEvent(row));
  return access::CutPage(std::move(events), page, counted[0].Int(0),
                         [](const IdentityEvent& event) { return event.id.str(); });
}

}  // namespace narralytica::speakers
