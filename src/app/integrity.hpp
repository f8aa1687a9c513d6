// Whether database, objects and index agree, and what mends them where they do not.
//
// The database is the truth. What was derived (the files made of a recording, its words, vectors
// and index) is made again from what it was derived from; an original that is lost is not, and is
// said so. Checking only reads. Both may run beside a worker and a server: while jobs are open,
// what they have not finished is no finding.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/installation.hpp"

namespace narralytica::app {

// What mends a finding.
enum class Remedy {
  kNone,          // only a backup, or the same recording taken in again
  kPrepare,       // a job makes the recording's files again from its original
  kTranscribe,    // a job recognises again
  kEmbed,         // a job makes the vectors again
  kSetStatus,     // the recording is called what its jobs say
  kRemoveObject,  // nothing refers to it
  kReindex,       // the index gets this recording again
  kCatchUp,       // the index gets the changes that it has missed
  kRebuildIndex,  // a new generation takes the place of the index
};

struct Finding {
  std::string kind;  // "database", "artifact", "words", "vectors", "video", "object", "index", ...
  std::string id;    // of the entity, or the object's key
  std::string detail;
  Remedy remedy = Remedy::kNone;
  VideoId video;           // whose recording; empty where it concerns none
  std::string object_key;  // of the damaged or needless object
};

struct IntegrityOptions {
  // An object without a row that is younger may belong to work in progress: it is no finding.
  int64_t orphan_age_ms = 3'600'000;
};

// Everything that does not agree, in the order of the flow; an error when the check itself could
// not be made.
Result<std::vector<Finding>> CheckIntegrity(Installation& store, const IntegrityOptions& options,
                                            const Deadline& deadline);

// What became of one finding.
struct Repair {
  Finding finding;
  // "repaired"; "queued": a job will do it; "failed" with its error; "not repairable".
  std::string outcome;
  std::optional<Error> error;
};

// Applies the remedies; each on its own, so that one that fails leaves the others done. Doing it
// twice does no harm. Jobs that mend are queued, not waited for.
Result<std::vector<Repair>> RepairFindings(Installation& store,
                                           const std::vector<Finding>& findings,
                                           const Deadline& deadline);

}  // namespace narralytica::app
