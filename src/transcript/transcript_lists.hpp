// Transcripts and segments as people list and cite them. Those of deleted recordings are not there.
#pragma once

#include <optional>

#include "access/page.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::transcript {

// All versions, newest first.
Result<access::Page<Transcript>> ListTranscripts(access::Tx& tx,
                                                 const std::optional<VideoId>& video,
                                                 const access::PageRequest& page);
// Any version; kNotFound without one.
Result<Transcript> GetTranscript(access::Tx& tx, const TranscriptId& transcript);

struct CitedSegment {
  StoredSegment segment;
  VideoId video;
  TranscriptId transcript;
  std::string source;  // kind of the recording's source
};

struct SegmentFilter {
  std::optional<VideoId> video;
  std::optional<TranscriptId> transcript;  // current or not; without it: current ones
};

// Recording by recording, in the order they were spoken. kInvalid for a cursor of another list.
Result<access::Page<CitedSegment>> ListSegments(access::Tx& tx, const SegmentFilter& filter,
                                                const access::PageRequest& page);
// Of any version; kNotFound without one.
Result<CitedSegment> GetSegment(access::Tx& tx, const SegmentId& segment);

}  // namespace narralytica::transcript
