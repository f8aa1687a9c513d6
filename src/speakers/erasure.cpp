#include "speakers/erasure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "jobs/changes.hpp"
#include "jobs/job_lists.hpp"
#include "media/video_store.hpp"

namespace narralytica::speakers {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using platform::Row;
using platform::Rows;
using platform::Statement;

constexpr Statement kState{"people.erasure_state",
                           "SELECT erased_at_ms, withdrawn FROM people"
                           " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kMerged{"people.merged_into",
                            "SELECT id FROM people WHERE tenant_id = $1 AND merged_into = $2"};
constexpr Statement kLinked{"speakers.linked_to",
                            "SELECT id, video_id, person_score FROM speakers"
                            " WHERE tenant_id = $1 AND person_id = $2"};
constexpr Statement kErased{"speakers.erased_in",
                            "SELECT id FROM speakers WHERE tenant_id = $1 AND video_id = $2"
                            " AND voice_erased = 1"};
constexpr Statement kVoicesOfSpeaker{
    "voiceprints.all_of_speaker",
    "SELECT id FROM voiceprints WHERE tenant_id = $1 AND speaker_id = $2"};
constexpr Statement kVoicesOfPerson{
    "voiceprints.enrolled_for",
    "SELECT id FROM voiceprints WHERE tenant_id = $1 AND person_id = $2"};
constexpr Statement kKey{"voice_keys.find",
                         "SELECT 1 FROM voice_keys WHERE tenant_id = $1 AND voiceprint_id = $2"};
constexpr Statement kUnlink{
    "speakers.erase_voice",
    "UPDATE speakers SET person_id = NULL, person_how = NULL, person_score = NULL,"
    " voice_erased = 1 WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kCountRejections{"identity_rejections.count_of",
                                     "SELECT COUNT(*) FROM identity_rejections WHERE tenant_id = $1"
                                     " AND (person_id = $2 OR speaker_id = $2)"};
constexpr Statement kDeleteRejections{
    "identity_rejections.delete_of",
    "DELETE FROM identity_rejections WHERE tenant_id = $1 AND (person_id = $2 OR speaker_id = $2)"};
// Whatever mentions a person or a speaker and still tells something.
constexpr Statement kTelling{
    "identity_events.telling",
    "SELECT e.id FROM identity_events e WHERE e.tenant_id = $1 AND e.kind <> 'erase' AND"
    " ((e.evidence <> '{}' AND (e.person_id = $2 OR e.other_person_id = $2 OR e.speaker_id = $2))"
    " OR EXISTS (SELECT 1 FROM identity_changes c WHERE c.tenant_id = e.tenant_id"
    " AND c.event_id = e.id AND (e.person_id = $2 OR e.other_person_id = $2"
    " OR c.row_id LIKE '%' || $2 || '%' OR c.value_before LIKE '%' || $2 || '%'"
    " OR c.value_after LIKE '%' || $2 || '%')))"};
constexpr Statement kScrub{"identity_events.scrub",
                           "UPDATE identity_events SET evidence = '{}'"
                           " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kDropChanges{
    "identity_changes.delete",
    "DELETE FROM identity_changes WHERE tenant_id = $1 AND event_id = $2"};
constexpr Statement kErase{"people.erase",
                           "UPDATE people SET name = NULL, name_folded = NULL, erased_at_ms = $3,"
                           " revision = revision + 1, updated_at_ms = $3"
                           " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kName{"people.named",
                          "SELECT 1 FROM people WHERE tenant_id = $1 AND id = $2"
                          " AND name IS NOT NULL"};
constexpr Statement kErasureEvents{
    "identity_events.erasures",
    "SELECT evidence FROM identity_events WHERE tenant_id = $1 AND person_id = $2"
    " AND kind = 'erase'"};

constexpr size_t kPeopleMax = 1'000;  // merged into one

// What is to be nowhere any more.
struct Traces {
  std::set<PersonId> people;
  std::set<SpeakerId> speakers;
  std::set<VideoId> videos;
  std::set<VoiceprintId> voiceprints;  // found by any look
};

// What one look found.
struct Look {
  std::set<VoiceprintId> voiceprints;
  int64_t keys = 0, links = 0, scores = 0, rejections = 0, names = 0;
  std::set<std::string> events;
};

class Erasure {
 public:
  Erasure(access::Tx& tx, Traces& traces) : tx_(tx), traces_(traces) {}

  Status Find(const PersonId& person) {
    traces_.people.insert(person);
    for (std::vector<PersonId> open{person}; !open.empty();) {
      const PersonId next = open.back();
      open.pop_back();
      NRL_TRY(const Rows merged, tx_.Query(kMerged, tx_.tenant(), next));
      for (const Row& row : merged) {
        const PersonId one = PersonId::FromTrusted(row.Text(0));
        if (traces_.people.insert(one).second) open.push_back(one);
      }
      if (traces_.people.size() > kPeopleMax) {
        return Fail(ErrorCode::kLimited, "too many people were merged into this one",
                    fmt::format("at most {} can be erased at once", kPeopleMax));
      }
    }
    for (const PersonId& one : traces_.people) NRL_CHECK(FindSpeakers(one));
    return {};
  }

  Result<Look> LookAround() {
    Look look;
    for (const PersonId& person : traces_.people) NRL_CHECK(LookAt(person, look));
    for (const SpeakerId& speaker : traces_.speakers) {
      NRL_CHECK(AddVoiceprints(kVoicesOfSpeaker, speaker.str(), look));
      NRL_CHECK(LookAtTraces(speaker.str(), look));
    }
    traces_.voiceprints.insert(look.voiceprints.begin(), look.voiceprints.end());
    for (const VoiceprintId& voiceprint : traces_.voiceprints) {
      NRL_TRY(const Rows keys, tx_.Query(kKey, tx_.tenant(), voiceprint));
      look.keys += static_cast<int64_t>(keys.size());
    }
    return look;
  }

  Status Remove(const Look& look, UtcMs now) {
    for (const VoiceprintId& voiceprint : traces_.voiceprints) {
      NRL_CHECK(DeleteVoiceprint(tx_, voiceprint));
    }
    for (const std::string& event : look.events) {
      NRL_CHECK(tx_.Execute(kScrub, tx_.tenant(), event));
      NRL_CHECK(tx_.Execute(kDropChanges, tx_.tenant(), event));
    }
    for (const SpeakerId& speaker : traces_.speakers) {
      NRL_CHECK(tx_.Execute(kDeleteRejections, tx_.tenant(), speaker));
      NRL_CHECK(tx_.Execute(kUnlink, tx_.tenant(), speaker));
    }
    for (const PersonId& person : traces_.people) {
      NRL_CHECK(tx_.Execute(kDeleteRejections, tx_.tenant(), person));
      NRL_CHECK(tx_.Execute(kErase, tx_.tenant(), person, now));
    }
    return {};
  }

 private:
  Status FindSpeakers(const PersonId& person) {
    NRL_TRY(const Rows linked, tx_.Query(kLinked, tx_.tenant(), person));
    for (const Row& row : linked) {
      traces_.speakers.insert(SpeakerId::FromTrusted(row.Text(0)));
      traces_.videos.insert(VideoId::FromTrusted(row.Text(1)));
    }
    // Of an erasure before this one.
    NRL_TRY(const Rows erasures, tx_.Query(kErasureEvents, tx_.tenant(), person));
    for (const Row& erasure : erasures) {
      const json evidence = json::parse(erasure.Text(0));
      for (const std::string video : evidence.value("video_ids", json::array())) {
        traces_.videos.insert(VideoId::FromTrusted(video));
        NRL_TRY(const Rows erased, tx_.Query(kErased, tx_.tenant(), video));
        for (const Row& row : erased) {
          traces_.speakers.insert(SpeakerId::FromTrusted(row.Text(0)));
        }
      }
    }
    return {};
  }

  Status LookAt(const PersonId& person, Look& look) {
    NRL_CHECK(AddVoiceprints(kVoicesOfPerson, person.str(), look));
    NRL_TRY(const Rows linked, tx_.Query(kLinked, tx_.tenant(), person));
    look.links += static_cast<int64_t>(linked.size());
    look.scores += std::ranges::count_if(linked, [](const Row& row) { return !row.IsNull(2); });
    NRL_TRY(const Rows named, tx_.Query(kName, tx_.tenant(), person));
    look.names += static_cast<int64_t>(named.size());
    return LookAtTraces(person.str(), look);
  }

  Status LookAtTraces(const std::string& id, Look& look) {
    NRL_TRY(const Rows rejections, tx_.Query(kCountRejections, tx_.tenant(), id));
    look.rejections += rejections[0].Int(0);
    NRL_TRY(const Rows events, tx_.Query(kTelling, tx_.tenant(), id));
    for (const Row& row : events) look.events.insert(row.Text(0));
    return {};
  }

  Status AddVoiceprints(const Statement& statement, const std::string& id, Look& look) {
    NRL_TRY(const Rows rows, tx_.Query(statement, tx_.tenant(), id));
    for (const Row& row : rows) look.voiceprints.insert(VoiceprintId::FromTrusted(row.Text(0)));
    return {};
  }

  access::Tx& tx_;
  Traces& traces_;
};

// The folders in which broken-off diarizations of these recordings keep what they heard.
Result<std::vector<std::string>> ScratchFolders(access::Tx& tx, const std::set<VideoId>& videos,
                                                const std::string& parent) {
  std::set<std::string> jobs;
  for (const VideoId& video : videos) {
    access::PageRequest request{.limit = access::kPageLimitMax};
    do {
      NRL_TRY(const auto page, jobs::ListJobs(tx, {{}, "diarize", video}, request));
      for (const jobs::Job& job : page.items) jobs.insert(job.id.str());
      request.after = page.after;
    } while (!request.after.empty());
  }
  std::vector<std::string> folders;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(parent, absent)) {
    const std::string name = entry.path().filename().string();
    const bool ours = std::ranges::any_of(
        jobs, [&](const std::string& job) { return name.starts_with(job + "-"); });
    if (ours) folders.push_back(entry.path().string());
  }
  return folders;
}

int64_t CountPresent(const std::vector<std::string>& folders) {
  return std::ranges::count_if(folders, [](const std::string& folder) {
    std::error_code ignored;
    return fs::exists(folder, ignored);
  });
}

Result<ErasedPlace> LookAtObjects(access::Tx& tx, const std::set<VideoId>& videos) {
  ErasedPlace place{.place = "objects", .what = {}};
  int64_t files = 0;
  for (const VideoId& video : videos) {
    NRL_TRY(const auto artifacts, media::ArtifactsOf(tx, video));
    files += static_cast<int64_t>(artifacts.size());
    place.found += std::ranges::count_if(
        artifacts, [](const media::Artifact& artifact) { return artifact.kind.contains("voice"); });
  }
  place.left = place.found;
  place.what = fmt::format("files that hold voices, among {} of the recordings", files);
  return place;
}

ErasedPlace Counted(std::string place, std::string what, int64_t found, int64_t left) {
  return {std::move(place), std::move(what), found, found - left, left};
}

std::vector<ErasedPlace> Compare(const Look& first, const Look& second) {
  const auto size = [](const auto& set) { return static_cast<int64_t>(set.size()); };
  return {
      Counted("voice_keys", "keys to sealed voices", first.keys, second.keys),
      Counted("voiceprints", "sealed voices", size(first.voiceprints), size(second.voiceprints)),
      Counted("speakers", "speakers taken for the person", first.links, second.links),
      Counted("speakers", "scores of matches", first.scores, second.scores),
      Counted("identity_rejections", "who was said not to be whom", first.rejections,
              second.rejections),
      Counted("identity_events", "events that tell of the person", size(first.events),
              size(second.events)),
      Counted("people", "names", first.names, second.names),
  };
}

Status TellErasure(access::Tx& tx, const IdentityParts& parts, const PersonId& person,
                   const Traces& traces) {
  json videos = json::array();
  const UtcMs now = parts.environment.clock.Now();
  for (const VideoId& video : traces.videos) {
    videos.push_back(video.str());
    NRL_CHECK(jobs::AppendChange(tx, {"diarization", video.str()}, "put", now));
  }
  IdentityEdit edit(tx, parts.environment);
  NRL_TRY(const auto event,
          edit.Record(
              {.kind = "erase", .person = person, .evidence = {{"video_ids", std::move(videos)}}}));
  if (traces.videos.empty()) return {};
  const jobs::StageSpec& index = jobs::Pipeline().back();
  NRL_CHECK(parts.queue.Enqueue(tx, {.stage = index.name,
                                     .video = *traces.videos.begin(),
                                     .payload = "{}",
                                     .priority = 0,
                                     .attempts_max = index.attempts_max,
                                     .unique_key = "identity:" + event.str()}));
  return {};
}

struct Erased {
  PersonId person;
  UtcMs at;
  Traces traces;
  Look found;
};

Result<Erased> EraseRows(access::Tx& tx, const IdentityParts& parts, const PersonId& asked) {
  NRL_CHECK(LockIdentities(tx));
  Erased erased;
  NRL_TRY(const Row state, tx.One("this person", kState, tx.tenant(), asked));
  const bool again = !state.IsNull(0);
  erased.person = asked;
  erased.at = again ? UtcMs{state.Int(0)} : parts.environment.clock.Now();
  if (!again) {
    NRL_TRY(erased.person, LivePerson(tx, asked));
  }
  Erasure erasure(tx, erased.traces);
  NRL_CHECK(erasure.Find(erased.person));
  NRL_TRY(erased.found, erasure.LookAround());
  NRL_CHECK(erasure.Remove(erased.found, erased.at));
  if (!again) NRL_CHECK(TellErasure(tx, parts, erased.person, erased.traces));
  return erased;
}

Result<ErasedPlace> LookAtSearch(const ErasureParts& parts, const Erased& erased) {
  const auto recordings = static_cast<int64_t>(erased.traces.videos.size());
  ErasedPlace place{.place = "search_index",
                    .what = "entries of the recordings from before; ask again to look again",
                    .found = recordings};
  NRL_TRY(const std::optional<UtcMs> since, parts.search_waits_since());
  place.left = since && *since <= erased.at ? recordings : 0;
  place.removed = place.found - place.left;
  return place;
}

}  // namespace

Result<ErasureProof> ErasePerson(const ErasureParts& parts, const access::Scope& scope,
                                 const PersonId& person) {
  NRL_TRY(Erased erased, access::Write(parts.database, scope, [&](access::Tx& tx) {
            return EraseRows(tx, parts.identity, person);
          }));
  ErasureProof proof{.person = erased.person, .erased_at = erased.at, .places = {}, .videos = {}};
  proof.videos.assign(erased.traces.videos.begin(), erased.traces.videos.end());
  std::vector<std::string> folders;
  NRL_CHECK(access::Read(parts.database, scope, [&](access::Tx& tx) -> Status {
    NRL_TRY(folders, ScratchFolders(tx, erased.traces.videos, parts.scratch_folder));
    const auto found = static_cast<int64_t>(folders.size());
    for (const std::string& folder : folders) {
      std::error_code ignored;
      fs::remove_all(folder, ignored);
    }
    NRL_TRY(const Look second, Erasure(tx, erased.traces).LookAround());
    proof.places = Compare(erased.found, second);
    NRL_TRY(ErasedPlace objects, LookAtObjects(tx, erased.traces.videos));
    proof.places.push_back(std::move(objects));
    proof.places.push_back(Counted("scratch_folder", "what broken-off diarizations heard", found,
                                   CountPresent(folders)));
    return {};
  }));
  NRL_TRY(ErasedPlace search, LookAtSearch(parts, erased));
  proof.places.push_back(std::move(search));
  proof.complete =
      std::ranges::all_of(proof.places, [](const ErasedPlace& place) { return place.left == 0; });
  return proof;
}

}  // namespace narralytica::speakers
