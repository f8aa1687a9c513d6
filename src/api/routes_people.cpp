#include "api/fields.hpp"
#include "api/people_routes.hpp"
#include "api/people_view.hpp"
#include "api/services.hpp"
#include "jobs/changes.hpp"

namespace narralytica::api {
namespace {

using speakers::IdentityOutcome;

constexpr size_t kNameCharactersMax = 200;
constexpr size_t kSplitMax = 100;
constexpr TextRule kName{.characters_max = kNameCharactersMax, .blank_allowed = false};

speakers::IdentityParts IdentityOf(const PeopleParts& parts) {
  return {parts.queue, parts.environment, speakers::IdentityRules{}};
}

template <typename Body>
auto ReadFor(const PeopleParts& parts, const Caller& caller, Body&& body) {
  return access::Read(parts.database, caller.scope, std::forward<Body>(body));
}

// Runs an action and answers with what it did.
template <typename Action>
Result<Response> Act(const PeopleParts& parts, const Caller& caller, const Action& action) {
  NRL_TRY(const Json reply,
          access::Write(parts.database, caller.scope, [&](access::Tx& tx) -> Result<Json> {
            speakers::People people(tx, IdentityOf(parts));
            NRL_TRY(const IdentityOutcome outcome, action(people));
            return IdentityReplyJson(tx, outcome);
          }));
  return JsonResponse(200, reply);
}

Result<Response> List(const PeopleParts& parts, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  const speakers::PeopleFilter filter{fields.Text("q", {.characters_max = kNameCharactersMax}),
                                      fields.Choice("state", {"named", "unknown"})};
  NRL_CHECK(fields.End());
  NRL_TRY(const auto people, ReadFor(parts, caller, [&](access::Tx& tx) {
            return speakers::ListPeople(tx, filter, page);
          }));
  return JsonResponse(200, PageJson(people, page, PersonJson));
}

Result<Response> Create(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(Fields fields, Fields::OfBody(request));
  TextRule rule = kName;
  rule.required = true;
  const std::string name = fields.Text("name", rule);
  NRL_CHECK(fields.End());
  NRL_TRY(Response response,
          Act(parts, caller, [&](speakers::People& people) { return people.Create(name); }));
  response.status = 201;
  return response;
}

Result<Response> Get(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const PersonId id, PathId<PersonId>(request, "person_id"));
  NRL_TRY(const auto profile,
          ReadFor(parts, caller, [&](access::Tx& tx) -> Result<speakers::Profile> {
            NRL_TRY(const PersonId person, speakers::LivePerson(tx, id));
            return speakers::LoadProfile(tx, person);
          }));
  return JsonResponse(200, ProfileJson(profile));
}

Result<Response> Change(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const PersonId id, PathId<PersonId>(request, "person_id"));
  NRL_TRY(Fields fields, Fields::OfBody(request));
  const bool renames = fields.Has("name");
  const std::string name = fields.Text("name", kName);
  const std::string consent = fields.Choice("consent", {"unknown", "granted", "denied"});
  if (!renames && !fields.Has("consent")) fields.Missing("name");
  NRL_CHECK(fields.End());
  return Act(parts, caller, [&](speakers::People& people) -> Result<IdentityOutcome> {
    IdentityOutcome both;
    if (renames) {
      NRL_TRY(both, people.Rename(id, name));
    }
    if (!consent.empty()) {
      NRL_TRY(const IdentityOutcome second, people.SetConsent(id, consent));
      both.person = second.person;
      both.events.insert(both.events.end(), second.events.begin(), second.events.end());
    }
    return both;
  });
}

Result<Response> Erase(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const PersonId id, PathId<PersonId>(request, "person_id"));
  const auto search_waits_since = [&]() -> Result<std::optional<UtcMs>> {
    NRL_TRY(const auto reader, parts.index.Read(caller.scope.tenant));
    return access::Read(parts.database, access::SystemScope("api"), [&](access::Tx& tx) {
      return jobs::OldestChangeAfter(tx, reader->info().as_of_seq);
    });
  };
  NRL_TRY(const auto proof, speakers::ErasePerson({parts.database, IdentityOf(parts),
                                                   parts.voices_folder, search_waits_since},
                                                  caller.scope, id));
  return JsonResponse(200, ErasureProofJson(proof));
}

Result<Response> Merge(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const PersonId id, PathId<PersonId>(request, "person_id"));
  NRL_TRY(Fields fields, Fields::OfBody(request));
  if (!fields.Has("into")) fields.Missing("into");
  const auto into = fields.MaybeId<PersonId>("into");
  NRL_CHECK(fields.End());
  return Act(parts, caller, [&](speakers::People& people) { return people.Merge(id, *into); });
}

Result<Response> Split(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const PersonId id, PathId<PersonId>(request, "person_id"));
  NRL_TRY(Fields fields, Fields::OfBody(request));
  const std::vector<std::string> texts = fields.Texts("speaker_ids", kSplitMax);
  if (texts.empty()) fields.Missing("speaker_ids");
  const std::string name = fields.Text("name", kName);
  NRL_CHECK(fields.End());
  std::vector<SpeakerId> ids;
  for (const std::string& text : texts) {
    NRL_TRY(SpeakerId speaker, SpeakerId::Parse(text));
    ids.push_back(std::move(speaker));
  }
  return Act(parts, caller, [&](speakers::People& people) { return people.Split(id, ids, name); });
}

using VoiceSource = std::variant<SpeakerId, speakers::VoiceClip>;

Result<VoiceSource> ReadVoiceSource(Fields& fields) {
  const bool is_clip = !fields.Has("speaker_id");
  const auto speaker = fields.MaybeId<SpeakerId>("speaker_id");
  if (!is_clip) {
    NRL_CHECK(fields.End());
    return VoiceSource(*speaker);
  }
  for (const char* name : {"video_id", "start_ms", "end_ms"}) {
    if (!fields.Has(name)) fields.Missing(name);
  }
  const auto video = fields.MaybeId<VideoId>("video_id");
  const TimeRange range{fields.Integer("start_ms", {}, 0), fields.Integer("end_ms", {}, 0)};
  if (range.end_ms <= range.start_ms) {
    fields.Problem(InvalidField("end_ms", "end_ms is not after start_ms", "swap the two"));
  }
  NRL_CHECK(fields.End());
  return VoiceSource(speakers::VoiceClip{*video, range});
}

Result<Response> Enrol(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const PersonId id, PathId<PersonId>(request, "person_id"));
  NRL_TRY(Fields fields, Fields::OfBody(request));
  NRL_TRY(const VoiceSource source, ReadVoiceSource(fields));
  return Act(parts, caller, [&](speakers::People& people) { return people.Enrol(id, source); });
}

Result<Response> Events(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const PersonId id, PathId<PersonId>(request, "person_id"));
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  NRL_CHECK(fields.End());
  NRL_TRY(const auto events, ReadFor(parts, caller, [&](access::Tx& tx) {
            return speakers::ListIdentityEvents(tx, id, page);
          }));
  return JsonResponse(200, PageJson(events, page, IdentityEventJson));
}

Result<Response> Assign(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const SpeakerId id, PathId<SpeakerId>(request, "speaker_id"));
  NRL_TRY(Fields fields, Fields::OfBody(request));
  const bool is_new = fields.Has("name");
  if (!is_new && !fields.Has("person_id")) fields.Missing("person_id");
  std::variant<PersonId, std::string> who = fields.Text("name", kName);
  if (!is_new) {
    if (const auto person = fields.MaybeId<PersonId>("person_id")) who = *person;
  }
  NRL_CHECK(fields.End());
  return Act(parts, caller, [&](speakers::People& people) { return people.Assign(id, who); });
}

Result<Response> Reject(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const SpeakerId id, PathId<SpeakerId>(request, "speaker_id"));
  NRL_TRY(Fields fields, Fields::OfBody(request));
  if (!fields.Has("person_id")) fields.Missing("person_id");
  const auto person = fields.MaybeId<PersonId>("person_id");
  NRL_CHECK(fields.End());
  return Act(parts, caller, [&](speakers::People& people) { return people.Reject(id, *person); });
}

Result<Response> Undo(const PeopleParts& parts, const Request& request, const Caller& caller) {
  NRL_TRY(const auto id, PathId<speakers::IdentityEventId>(request, "event_id"));
  return Act(parts, caller, [&](speakers::People& people) { return people.Undo(id); });
}

}  // namespace

std::vector<Route> PeopleRoutes(const PeopleParts& parts) {
  std::vector<Route> routes;
  const auto add = [&](std::string method, std::string pattern, auto* function) {
    const char* action = method == "GET" ? "read" : (method == "DELETE" ? "delete" : "write");
    routes.push_back({.method = std::move(method),
                      .pattern = "/api/v1/" + std::move(pattern),
                      .cost = action == std::string_view("read") ? Cost::kRead : Cost::kWrite,
                      .permission = {action, "people"},
                      .handler = [parts, function](const Request& request, const Caller& caller) {
                        return function(parts, request, caller);
                      }});
  };
  add("GET", "people", List);
  add("POST", "people", Create);
  add("GET", "people/{person_id}", Get);
  add("PATCH", "people/{person_id}", Change);
  add("DELETE", "people/{person_id}", Erase);
  add("POST", "people/{person_id}/merge", Merge);
  add("POST", "people/{person_id}/split", Split);
  add("POST", "people/{person_id}/voiceprints", Enrol);
  add("GET", "people/{person_id}/events", Events);
  add("POST", "speakers/{speaker_id}/assign", Assign);
  add("POST", "speakers/{speaker_id}/reject", Reject);
  add("POST", "identity-events/{event_id}/undo", Undo);
  return routes;
}

void AddPeopleRoutes(Router& router, const Services& services) {
  const PeopleParts parts{services.database, services.queue, services.index, services.environment,
                          services.voices_folder};
  for (Route& route : PeopleRoutes(parts)) router.Add(std::move(route));
}

}  // namespace narralytica::api
