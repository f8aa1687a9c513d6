// From canonical rows to what the index holds: the one place that decides what a document is.
#pragma once

#include <optional>
#include <vector>

#include "access/tx.hpp"
#include "index/index.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::index {

struct Projection {
  std::optional<Recording> recording;  // none: deleted, or nothing to search in yet
  std::optional<Error> vectors_error;  // its vectors exist but cannot be read
};

// The segments of the current transcript as the index wants them, without names of speakers.
Result<std::vector<IndexedSegment>> ProjectSegments(access::Tx& tx, const TranscriptId& transcript);

// Everything of one video. Missing vectors are no failure: words alone can be searched.
Result<Projection> Project(access::Tx& tx, platform::ObjectStore& objects, const VideoId& video);

}  // namespace narralytica::index
