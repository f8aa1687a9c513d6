// What is done to people and voices: each an event with its evidence, in the caller's transaction,
// that can be undone.
//
// After an action that changes whose a voice is, search has to follow: one index job is enqueued.
// A person that was merged into another stands for that other. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "access/page.hpp"
#include "jobs/pipeline.hpp"
#include "jobs/queue.hpp"
#include "speakers/identity_edit.hpp"

namespace narralytica::speakers {

struct IdentityParts {
  jobs::Queue& queue;
  Environment environment;
  IdentityRules rules;
};

struct IdentityOutcome {
  std::vector<IdentityEventId> events;  // none when all was so already
  std::optional<PersonId> person;
  std::vector<VideoId> videos;  // whose speakers are others now
};

// Without blanks at its ends; kInvalid when it is empty, longer than 200 characters
// or has control characters.
Result<std::string> CleanName(std::string_view name);

// The person, or the one that they were merged into; kNotFound for one that was erased or whose
// creation was undone.
Result<PersonId> LivePerson(access::Tx& tx, const PersonId& person);

struct VoiceClip {
  VideoId video;
  TimeRange range;
};

class People {
 public:
  People(access::Tx& tx, IdentityParts parts) : tx_(tx), parts_(std::move(parts)) {}

  Result<IdentityOutcome> Create(std::string_view name);
  Result<IdentityOutcome> Rename(const PersonId& person, std::string_view name);
  Result<IdentityOutcome> SetConsent(const PersonId& person, const std::string& consent);
  // To a person, or to a new one of that name. kConflict for a speaker of an earlier diarization.
  Result<IdentityOutcome> Assign(const SpeakerId& speaker,
                                 const std::variant<PersonId, std::string>& who);
  // Remembered, and the speaker is unknown if they were taken for that person.
  Result<IdentityOutcome> Reject(const SpeakerId& speaker, const PersonId& person);
  // kConflict when they are one already, or a voice of one was said not to be the other.
  Result<IdentityOutcome> Merge(const PersonId& person, const PersonId& into);
  // To a new person, without a name when it is empty. kInvalid for speakers who are not this
  // person's.
  Result<IdentityOutcome> Split(const PersonId& person, const std::vector<SpeakerId>& speakers,
                                std::string_view name);
  // A speaker who is nobody yet is then this person.
  // kConflict when nobody is known to speak in the clip, or the voice is not kept or has too little
  // speech.
  Result<IdentityOutcome> Enrol(const PersonId& person,
                                const std::variant<SpeakerId, VoiceClip>& source);
  // kConflict when it was undone already, something later rests on it, or it cannot be.
  Result<IdentityOutcome> Undo(const IdentityEventId& event);

 private:
  Result<IdentityOutcome> End(IdentityEdit& edit, IdentityEvent event);
  Result<PersonId> PersonFor(IdentityEdit& edit, const std::variant<PersonId, std::string>& who);
  Status MoveVoiceprints(IdentityEdit& edit, const PersonId& from, const PersonId& to);

  access::Tx& tx_;
  const IdentityParts parts_;
};

// One event; kNotFound.
Result<IdentityEvent> GetIdentityEvent(access::Tx& tx, const IdentityEventId& event);
// Of a person, whichever part they had; newest first.
Result<access::Page<IdentityEvent>> ListIdentityEvents(access::Tx& tx, const PersonId& person,
                                                       const access::PageRequest& page);

}  // namespace narralytica::speakers
