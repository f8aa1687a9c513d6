// The `transcripts` and `segments` tables, and the words object that belongs to a transcript.
//
// A new version supersedes the one before it and leaves it readable. Segments are rows, ordered,
// not overlapping, inside the recording; their words are one object (docs/formats/words.md),
// segment by segment in the same order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/tx.hpp"
#include "platform/objects/objects.hpp"
#include "transcript/recognizer.hpp"

namespace narralytica::transcript {

// Of the words object of the longest recording allowed, with room to spare.
inline constexpr int64_t kWordsBytesMax = int64_t{256} << 20;

struct Transcript {
  TranscriptId id;
  VideoId video;
  int version = 1;
  std::string engine;  // "whisper", "sherpa-onnx"
  std::string model;   // "whisper-base"
  std::string model_hash;
  std::string settings_hash;
  std::string language;  // most spoken
  platform::ObjectRef words;
  int64_t words_count = 0;
  UtcMs created_at;
  std::optional<TranscriptId> superseded_by = {};  // set by the store
};

struct StoredSegment {
  SegmentId id;
  int segment_index = 0;
  TimeRange range;
  std::string text;
  std::string language;
  double confidence = 0;                  // mean over its words, 0 to 1
  std::optional<SpeakerId> speaker = {};  // none: nobody was told apart there
  int64_t overlap_ms = 0;                 // of its time, somebody else speaks too
};

// Gives the transcript the next version number of its video and supersedes the last one. kInternal
// when a segment breaks the invariants above.
Status InsertTranscript(access::Tx& tx, const Transcript& transcript,
                        std::span<const StoredSegment> segments);
// The version that is not superseded; kNotFound without one.
Result<Transcript> CurrentTranscript(access::Tx& tx, const VideoId& video);
// All versions of all videos, for fsck; pages by id.
Result<std::vector<Transcript>> ListTranscripts(access::Tx& tx, const TranscriptId& after,
                                                int limit);
Result<std::vector<StoredSegment>> SegmentsOf(access::Tx& tx, const TranscriptId& transcript);

// words[i] are those of segment i.
using SegmentWords = std::vector<std::vector<Word>>;
std::string EncodeWords(const SegmentWords& words);
// kCorrupt when the bytes are not a words object.
Result<SegmentWords> DecodeWords(std::string_view bytes);
Result<SegmentWords> LoadWords(platform::ObjectStore& objects, const Transcript& transcript);

}  // namespace narralytica::transcript
