// One event that changes who somebody is: all its values before and after, so that it can be
// undone.
//
//   IdentityEdit edit(tx, environment);
//   NRL_CHECK(edit.Link(speaker, PersonLink{person, "person", {}}));
//   NRL_TRY(const auto event, edit.Record({.kind = "assign", ...}));
//
// A value that is set to what it is already changes nothing and is not noted. Recordings whose
// speakers are others now get a change in the feed. Within one transaction; LockIdentities comes
// first.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "access/tx.hpp"
#include "speakers/voiceprints.hpp"

namespace narralytica::speakers {

NRL_ID(IdentityEventId, "identity event");

// Until the end of the transaction nobody else changes identities of this tenant.
Status LockIdentities(access::Tx& tx);

// Who a speaker is, and how that is known.
struct PersonLink {
  PersonId person;
  std::string how;              // "match" | "person"
  std::optional<double> score;  // of a match
};

struct IdentityEvent {
  IdentityEventId id = {};  // set by Record
  std::string kind;         // "assign", "merge", ...
  std::optional<PersonId> person = {};
  std::optional<PersonId> other_person = {};
  std::optional<SpeakerId> speaker = {};
  nlohmann::json evidence = nlohmann::json::object();
  std::string actor = {};  // "": the transaction's
  UtcMs created_at = {};
  std::optional<IdentityEventId> undone_by = {};
  bool can_undo = false;  // it has changes and was not undone
};

struct IdentityChange {
  std::string kind;    // "speaker", "name", "consent", "merged_into", "withdrawn", "voiceprint",
                       // "rejection"
  std::string row_id;  // of a rejection: "SPEAKER PERSON"
  std::optional<std::string> before, after;
};

class IdentityEdit {
 public:
  IdentityEdit(access::Tx& tx, Environment environment) : tx_(tx), environment_(environment) {}

  Result<PersonId> CreatePerson(const std::optional<std::string>& name);
  Status Link(const SpeakerId& speaker, const std::optional<PersonLink>& link);
  Status Rename(const PersonId& person, const std::optional<std::string>& name);
  Status SetConsent(const PersonId& person, const std::string& consent);
  Status SetMergedInto(const PersonId& person, const PersonId& into);
  Status Enrol(const NewVoiceprint& voiceprint);
  Status MoveVoiceprint(const VoiceprintId& voiceprint, const PersonId& person);
  Status SetRejected(const SpeakerId& speaker, const PersonId& person, bool rejected);
  // Puts a change back. kConflict when the value is another by now, or cannot be had back.
  Status Revert(const IdentityChange& change);

  access::Tx& tx() { return tx_; }
  bool empty() const { return changes_.empty(); }
  // Whose speakers are others now.
  const std::set<VideoId>& videos() const { return videos_; }

  // Writes the event and the feed's changes.
  Result<IdentityEventId> Record(IdentityEvent event);

 private:
  Status Set(const std::string& kind, const std::string& row_id,
             const std::optional<std::string>& value);
  Result<std::optional<std::string>> Current(const std::string& kind, const std::string& row_id);
  Status Write(const std::string& kind, const std::string& row_id,
               const std::optional<std::string>& value);
  Status WriteLink(const std::string& speaker, const std::optional<std::string>& value);
  Status WriteRejection(const std::string& row_id, bool rejected);
  // Notes what else a change touches: recordings, revisions.
  Status Follow(const std::string& kind, const IdentityChange& change);
  Status NoteVideosOf(const std::string& person);

  access::Tx& tx_;
  const Environment environment_;
  std::vector<IdentityChange> changes_;
  std::set<VideoId> videos_;
  std::set<std::string> touched_;  // people
};

// What an event changed, in order; none once it is erased.
Result<std::vector<IdentityChange>> ChangesOf(access::Tx& tx, const IdentityEventId& event);

}  // namespace narralytica::speakers
