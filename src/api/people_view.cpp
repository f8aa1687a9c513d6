#include "api/people_view.hpp"

namespace narralytica::api {
namespace {

Json OrNullText(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

template <typename Id>
Json OrNullId(const std::optional<Id>& id) {
  return id ? Json(id->str()) : Json();
}

template <typename Ids>
Json IdsJson(const Ids& ids) {
  Json list = Json::array();
  for (const auto& id : ids) list.push_back(id.str());
  return list;
}

Json AppearanceJson(const speakers::Appearance& appearance) {
  Json evidence = Json::array();
  for (const TimeRange& clip : appearance.evidence) {
    evidence.push_back({{"video_id", appearance.video.str()},
                        {"start_ms", clip.start_ms},
                        {"end_ms", clip.end_ms}});
  }
  return {{"video_id", appearance.video.str()},
          {"title", appearance.title},
          {"published_at", OrNull(appearance.published_at)},
          {"speaker_id", appearance.speaker.str()},
          {"label", appearance.label},
          {"speech_ms", appearance.speech_ms},
          {"how", appearance.how},
          {"score", appearance.score ? Json(*appearance.score) : Json()},
          {"evidence", std::move(evidence)}};
}

}  // namespace

Json PersonJson(const speakers::Person& person) {
  return {{"person_id", person.id.str()},
          {"name", OrNullText(person.name)},
          {"state", person.name ? "named" : "unknown"},
          {"consent", person.consent},
          {"videos_count", person.videos_count},
          {"speakers_count", person.speakers_count},
          {"voiceprints_count", person.voiceprints_count},
          {"speech_ms", person.speech_ms},
          {"first_seen_at", OrNull(person.first_seen_at)},
          {"last_seen_at", OrNull(person.last_seen_at)},
          {"revision", person.revision},
          {"created_at", FormatRfc3339(person.created_at)},
          {"updated_at", FormatRfc3339(person.updated_at)}};
}

Json ProfileJson(const speakers::Profile& profile) {
  Json appearances = Json::array();
  for (const auto& appearance : profile.appearances) {
    appearances.push_back(AppearanceJson(appearance));
  }
  Json months = Json::array();
  for (const auto& talk : profile.talk_by_month) {
    months.push_back({{"month", talk.month},
                      {"speech_ms", talk.speech_ms},
                      {"videos_count", talk.videos_count}});
  }
  Json companions = Json::array();
  for (const auto& one : profile.speaks_with) {
    companions.push_back({{"person_id", one.id.str()},
                          {"name", OrNullText(one.name)},
                          {"videos_count", one.videos_count},
                          {"shared_ms", one.shared_ms}});
  }
  return {{"person", PersonJson(profile.person)},
          {"appearances", std::move(appearances)},
          {"talk_by_month", std::move(months)},
          {"speaks_with", std::move(companions)}};
}

Json IdentityEventJson(const speakers::IdentityEvent& event) {
  return {{"event_id", event.id.str()},
          {"kind", event.kind},
          {"person_id", OrNullId(event.person)},
          {"other_person_id", OrNullId(event.other_person)},
          {"speaker_id", OrNullId(event.speaker)},
          {"actor", event.actor},
          {"evidence", Json(event.evidence)},
          {"created_at", FormatRfc3339(event.created_at)},
          {"undone_by", OrNullId(event.undone_by)},
          {"can_undo", event.can_undo}};
}

Result<Json> IdentityReplyJson(access::Tx& tx, const speakers::IdentityOutcome& outcome) {
  Json person;
  if (outcome.person) {
    NRL_TRY(const auto found, speakers::GetPerson(tx, *outcome.person));
    person = PersonJson(found);
  }
  return Json{{"event_ids", IdsJson(outcome.events)},
              {"person", std::move(person)},
              {"video_ids", IdsJson(outcome.videos)}};
}

Json ErasureProofJson(const speakers::ErasureProof& proof) {
  Json places = Json::array();
  for (const speakers::ErasedPlace& place : proof.places) {
    places.push_back({{"place", place.place},
                      {"what", place.what},
                      {"found", place.found},
                      {"removed", place.removed},
                      {"left", place.left}});
  }
  return {{"person_id", proof.person.str()},
          {"erased_at", FormatRfc3339(proof.erased_at)},
          {"complete", proof.complete},
          {"places", std::move(places)},
          {"video_ids", IdsJson(proof.videos)}};
}

}  // namespace narralytica::api
