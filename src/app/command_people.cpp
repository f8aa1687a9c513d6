// `people`: who speaks across recordings; what is said of it, and undone.
#include <fmt/format.h>

#include "app/backend.hpp"
#include "speakers/identity_edit.hpp"

namespace narralytica::app {
namespace {

constexpr int kPeopleMax = 10'000;
constexpr int kPageMax = 100;

struct PeopleOptions {
  CommonOptions common;
  std::string action = "list";
  std::vector<std::string> words;  // what follows the action
  std::string name, state, query, video;
  int64_t start_ms = -1, end_ms = -1;
  int limit = 50;
};

Error Usage(std::string_view usage) {
  return {ErrorCode::kInvalid,
          "something is missing, or is too much",
          fmt::format("write: narralytica people {}", usage),
          {},
          {}};
}

// The id in a word, checked before it becomes part of a path.
template <typename Id>
Result<std::string> IdIn(const PeopleOptions& options, size_t word) {
  NRL_TRY(const Id id, Id::Parse(options.words.at(word)));
  return id.str();
}

// {"items"}, page after page.
Result<Json> ListAll(Backend& backend, PeopleCall call, int limit) {
  Json items = Json::array();
  call.query.emplace_back("limit", std::to_string(std::min(limit, kPageMax)));
  call.query.emplace_back("cursor", "");
  do {
    NRL_TRY(const Json page, backend.People(call));
    for (const Json& item : page.at("items")) {
      if (items.size() < static_cast<size_t>(limit)) items.push_back(item);
    }
    const Json& next = page.at("page").at("next_cursor");
    call.query.back().second = next.is_null() ? "" : next.get<std::string>();
  } while (!call.query.back().second.empty() && items.size() < static_cast<size_t>(limit));
  return Json{{"items", std::move(items)}};
}

Result<Json> List(Backend& backend, const PeopleOptions& options) {
  return ListAll(backend,
                 {.path = "people", .query = {{"q", options.query}, {"state", options.state}}},
                 options.limit);
}

Result<Json> Show(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string person, IdIn<PersonId>(options, 0));
  return backend.People({.path = "people/" + person});
}

Result<Json> Events(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string person, IdIn<PersonId>(options, 0));
  return ListAll(backend, {.path = "people/" + person + "/events"}, options.limit);
}

Result<Json> Add(Backend& backend, const PeopleOptions& options) {
  return backend.People(
      {.method = "POST", .path = "people", .body = {{"name", options.words.at(0)}}});
}

Result<Json> Change(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string person, IdIn<PersonId>(options, 0));
  const char* field = options.action == "rename" ? "name" : "consent";
  return backend.People(
      {.method = "PATCH", .path = "people/" + person, .body = {{field, options.words.at(1)}}});
}

Result<Json> Assign(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string speaker, IdIn<SpeakerId>(options, 0));
  Json body{{"name", options.name}};
  if (options.name.empty()) {
    if (options.words.size() < 2) {
      return Fail(Usage("assign SPEAKER PERSON, or assign SPEAKER --name NAME"));
    }
    NRL_TRY(const std::string person, IdIn<PersonId>(options, 1));
    body = {{"person_id", person}};
  }
  return backend.People(
      {.method = "POST", .path = "speakers/" + speaker + "/assign", .body = std::move(body)});
}

Result<Json> Reject(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string speaker, IdIn<SpeakerId>(options, 0));
  NRL_TRY(const std::string person, IdIn<PersonId>(options, 1));
  return backend.People({.method = "POST",
                         .path = "speakers/" + speaker + "/reject",
                         .body = {{"person_id", person}}});
}

Result<Json> Merge(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string person, IdIn<PersonId>(options, 0));
  NRL_TRY(const std::string into, IdIn<PersonId>(options, 1));
  return backend.People(
      {.method = "POST", .path = "people/" + person + "/merge", .body = {{"into", into}}});
}

Result<Json> Split(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string person, IdIn<PersonId>(options, 0));
  Json speakers = Json::array();
  for (size_t word = 1; word < options.words.size(); ++word) {
    NRL_TRY(std::string speaker, IdIn<SpeakerId>(options, word));
    speakers.push_back(std::move(speaker));
  }
  Json body{{"speaker_ids", std::move(speakers)}};
  if (!options.name.empty()) body["name"] = options.name;
  return backend.People(
      {.method = "POST", .path = "people/" + person + "/split", .body = std::move(body)});
}

Result<Json> Enrol(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string person, IdIn<PersonId>(options, 0));
  Json body;
  if (options.words.size() > 1) {
    NRL_TRY(const std::string speaker, IdIn<SpeakerId>(options, 1));
    body = {{"speaker_id", speaker}};
  } else {
    if (options.video.empty() || options.start_ms < 0 || options.end_ms < 0) {
      return Fail(
          Usage("enrol PERSON SPEAKER, or enrol PERSON --video VIDEO --start-ms N"
                " --end-ms N"));
    }
    NRL_TRY(const VideoId video, VideoId::Parse(options.video));
    body = {{"video_id", video.str()}, {"start_ms", options.start_ms}, {"end_ms", options.end_ms}};
  }
  return backend.People(
      {.method = "POST", .path = "people/" + person + "/voiceprints", .body = std::move(body)});
}

Result<Json> Undo(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string event, IdIn<speakers::IdentityEventId>(options, 0));
  return backend.People({.method = "POST", .path = "identity-events/" + event + "/undo"});
}

Result<Json> Erase(Backend& backend, const PeopleOptions& options) {
  NRL_TRY(const std::string person, IdIn<PersonId>(options, 0));
  return backend.People({.method = "DELETE", .path = "people/" + person});
}

struct Action {
  const char* name;
  size_t words_min, words_max;
  const char* usage;
  Result<Json> (*run)(Backend&, const PeopleOptions&);
};
constexpr size_t kSpeakersMax = 101;  // of a split, and the person
constexpr Action kActions[] = {
    {"list", 0, 0, "list [--state named|unknown] [--query PART]", List},
    {"show", 1, 1, "show PERSON", Show},
    {"add", 1, 1, "add NAME", Add},
    {"rename", 2, 2, "rename PERSON NAME", Change},
    {"consent", 2, 2, "consent PERSON unknown|granted|denied", Change},
    {"assign", 1, 2, "assign SPEAKER PERSON, or assign SPEAKER --name NAME", Assign},
    {"reject", 2, 2, "reject SPEAKER PERSON", Reject},
    {"merge", 2, 2, "merge PERSON INTO", Merge},
    {"split", 2, kSpeakersMax, "split PERSON SPEAKER... [--name NAME]", Split},
    {"enrol", 1, 2, "enrol PERSON SPEAKER, or enrol PERSON --video VIDEO --start-ms N --end-ms N",
     Enrol},
    {"events", 1, 1, "events PERSON", Events},
    {"undo", 1, 1, "undo EVENT", Undo},
    {"erase", 1, 1, "erase PERSON", Erase},
};

const Action& FindAction(std::string_view name) {
  for (const Action& action : kActions) {
    if (action.name == name) return action;
  }
  NRL_ASSERT(false);
}

std::string NameOf(const Json& person) {
  return person.at("name").is_null() ? "(unknown voice)" : person.at("name").get<std::string>();
}

void PrintPerson(const Json& person) {
  fmt::print("{}  {:>4} recordings  {:>10}  {}\n", person.at("person_id").get<std::string>(),
             person.at("videos_count").get<int64_t>(),
             FormatDuration(person.at("speech_ms").get<int64_t>()), NameOf(person));
}

void PrintProfile(const Json& profile) {
  PrintPerson(profile.at("person"));
  for (const Json& one : profile.at("appearances")) {
    const std::string score =
        one.at("score").is_null() ? "" : fmt::format(" {:.2f}", one.at("score").get<double>());
    fmt::print("    {}  {:>10}  {}{}  {}, {}\n", one.at("speaker_id").get<std::string>(),
               FormatDuration(one.at("speech_ms").get<int64_t>()), one.at("how").get<std::string>(),
               score, one.at("title").get<std::string>(), one.at("label").get<std::string>());
  }
  for (const Json& one : profile.at("speaks_with")) {
    fmt::print("    with {} in {} recordings\n", NameOf(one),
               one.at("videos_count").get<int64_t>());
  }
}

void PrintEvent(const Json& event) {
  fmt::print("{}  {:<7}  {}  {}{}\n", event.at("event_id").get<std::string>(),
             event.at("kind").get<std::string>(), event.at("created_at").get<std::string>(),
             event.at("actor").get<std::string>(),
             event.at("undone_by").is_null() ? "" : "  (undone)");
}

void PrintProof(const Json& proof) {
  for (const Json& place : proof.at("places")) {
    fmt::print("{:<20}  found {:>4}  removed {:>4}  left {:>4}  {}\n",
               place.at("place").get<std::string>(), place.at("found").get<int64_t>(),
               place.at("removed").get<int64_t>(), place.at("left").get<int64_t>(),
               place.at("what").get<std::string>());
  }
  Note(proof.at("complete").get<bool>() ? "nothing is left"
                                        : "something is left; erase again to look again");
}

void PrintOutcome(const Json& outcome) {
  if (!outcome.at("person").is_null()) PrintPerson(outcome.at("person"));
  for (const Json& event : outcome.at("event_ids")) {
    Note(fmt::format("undo it with: narralytica people undo {}", event.get<std::string>()));
  }
  if (outcome.at("event_ids").empty()) Note("it was so already");
}

void PrintForPeople(const std::string& action, const Json& done) {
  if (action == "list") {
    for (const Json& person : done.at("items")) PrintPerson(person);
    if (done.at("items").empty()) Note("nobody is known yet");
  } else if (action == "events") {
    for (const Json& event : done.at("items")) PrintEvent(event);
  } else if (action == "show") {
    PrintProfile(done);
  } else if (action == "erase") {
    PrintProof(done);
  } else {
    PrintOutcome(done);
  }
}

int Run(const PeopleOptions& options) {
  SignalStop stop;
  const bool json = options.common.json;
  const Action& action = FindAction(options.action);
  if (options.words.size() < action.words_min || options.words.size() > action.words_max) {
    return FailCommand(Usage(action.usage), json);
  }
  const auto backend = OpenBackend(options.common, "people", stop.token());
  if (!backend) return FailCommand(backend.error(), json);
  const auto done = action.run(**backend, options);
  if (!done) return FailCommand(done.error(), json);
  if (json) {
    PrintJson(*done);
  } else {
    PrintForPeople(options.action, *done);
  }
  const bool incomplete = options.action == "erase" && !done->at("complete").get<bool>();
  return incomplete ? kCheckFailed : kDone;
}

}  // namespace

void AddPeopleCommand(CommandSet& commands) {
  auto options = std::make_shared<PeopleOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "people", "who speaks across recordings: list, name, merge, split, undo, erase");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
  std::vector<std::string> names;
  for (const Action& action : kActions) names.emplace_back(action.name);
  command->add_option("action", options->action, "what to do")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  command->add_option("words", options->words,
                      "ids of people, speakers or events, or a name, as the action has it");
  command->add_option("--name", options->name, "assign, split: the name of a new person");
  command->add_option("--state", options->state, "list: only named people, or unknown voices")
      ->check(CLI::IsMember({"named", "unknown"}));
  command->add_option("--query", options->query, "list: only names with this in them");
  command->add_option("--video", options->video, "enrol: the recording of a clip");
  command->add_option("--start-ms", options->start_ms, "enrol: where the clip begins");
  command->add_option("--end-ms", options->end_ms, "enrol: where it ends");
  command->add_option("--limit", options->limit, "list, events: at most so many, newest first")
      ->check(CLI::Range(1, kPeopleMax))
      ->capture_default_str();
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
