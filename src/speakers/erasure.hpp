// Erasing a person: their name, and their voice wherever it is.
//
// Voiceprints go, those enrolled for others from this person's speakers too, and first of all the
// keys to them; then links and scores, rejections, and what events tell. Speakers stay, unknown; a
// later diarization of the recording makes no voiceprint of them again. Then everything is looked
// at once more. Erasing an erased person looks again, and removes what it should find.
//
// Outside its reach: copies of the whole database, which hold `voice_keys` too. Backups leave that
// table out, or are to be made anew.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "speakers/people.hpp"

namespace narralytica::speakers {

struct ErasedPlace {
  std::string place;  // a table, "objects", "search_index", "scratch_folder"
  std::string what;   // was looked for
  int64_t found = 0;
  int64_t removed = 0;
  int64_t left = 0;  // found by the second look
};

struct ErasureProof {
  PersonId person;
  UtcMs erased_at;
  bool complete = false;  // nothing is left anywhere
  std::vector<ErasedPlace> places;
  std::vector<VideoId> videos;  // in which the person is unknown now
};

struct ErasureParts {
  platform::Database& database;
  IdentityParts identity;
  std::string scratch_folder;  // where broken-off diarizations keep what they heard
  // When the oldest change was made that search does not show yet; none when it shows all.
  std::function<Result<std::optional<UtcMs>>()> search_waits_since;
};

// kNotFound. The person of a merge is erased with those who were merged into them.
Result<ErasureProof> ErasePerson(const ErasureParts& parts, const access::Scope& scope,
                                 const PersonId& person);

}  // namespace narralytica::speakers
