// The `index` port: segments go in by recording, ranked segments come out.
//
// Place in the flow: the `index` job projects the canonical rows of one recording and its stored
// vectors to a Recording and replaces it here; `search` reads. Derived data: all of it can be
// rebuilt from the database and the object store. Implementations: embedded (Xapian for words, an
// exact scan for vectors, embedded_index.hpp) and, for production, OpenSearch.
//
// What it guarantees:
//  * A reader sees one state: words, vectors and documents of the same commit, whatever writers do.
//  * Writes are idempotent and ordered by the change feed: an older change never overwrites a newer
//    one, and of two writers of the same change the one with the stale lease epoch is refused.
//  * A tenant's reader finds, counts and weighs that tenant's segments only; another tenant's
//    recordings change neither its hits nor their scores.
//  * Text analysis is ours (text_analysis.hpp); queries arrive as analysed terms.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "index/vectors.hpp"

namespace narralytica::index {

inline constexpr size_t kSegmentTextBytesMax = 64 << 10;
inline constexpr size_t kSegmentsPerVideoMax = kVectorsPerVideoMax;
inline constexpr size_t kShortFieldBytesMax = 1024;  // title, language, source, speaker name

// ---- Writing ----

struct IndexedSegment {
  SegmentId id;
  int32_t segment_index = 0;
  TimeRange range;
  std::string text;
  std::string language;      // ISO code; decides the analysis
  std::string speaker_id;    // empty until somebody is known to speak
  std::string speaker_name;  // empty likewise; the person's, else the label
  int64_t overlap_ms = 0;    // of its time, somebody else speaks too
  bool name_found = false;   // the words of speaker_name find this segment, as those of a title do
};

struct Recording {
  TenantId tenant_id;
  VideoId video_id;
  TranscriptId transcript_id;
  std::string title;
  std::string source;  // kind: upload, youtube, external_url
  std::optional<UtcMs> published_at;
  std::vector<IndexedSegment> segments;  // by segment_index, strictly growing
  std::optional<VideoVectors> vectors;   // one per segment, in the same order
};

// The place of a write in the change feed, and the lease epoch of the job that makes it.
struct Change {
  int64_t seq = 0;
  int64_t lease_epoch = 0;
};

enum class Applied : uint8_t {
  kApplied,
  kAlreadyNewer,  // a later change of this recording is in the index; nothing was done
};

// One writer exists at a time, over all processes. Not thread-safe. What was not committed when the
// object goes is undone.
class Writer {
 public:
  virtual ~Writer() = default;
  // Puts the recording in the place of what the index holds of the same video. kInvalid for a
  // recording that breaks a rule above, kConflict when `change.lease_epoch` is stale, or when its
  // vectors are of another model than the generation's (rebuild into a new one).
  virtual Result<Applied> Replace(const Recording& recording, Change change) = 0;
  // The same for a video that is gone; deleting what was never there is kApplied.
  virtual Result<Applied> Delete(const TenantId& tenant, const VideoId& video, Change change) = 0;
  // Makes all since the last commit durable and visible at once. After a failure the writer is
  // spent: open another one and apply the changes again from Reader::info().as_of_seq.
  virtual Status Commit() = 0;
};

// ---- Reading ----

// A segment within one reader: the video by ordinal, the segment by place in its video. Refs of
// a tenant sort by video id, then by place; neighbouring segments have neighbouring places.
struct SegmentRef {
  uint32_t video = 0;
  uint32_t place = 0;
  auto operator<=>(const SegmentRef&) const = default;
};

struct Hit {
  SegmentRef ref;
  float score = 0;
};

// All conditions must hold; an empty one does not count.
struct Filter {
  std::optional<VideoId> video_id;
  std::string language;
  std::string source;
  std::optional<SpeakerId> speaker_id;
  std::string speaker;                   // words that a speaker's name has, in any order
  std::optional<UtcMs> published_from;   // inclusive
  std::optional<UtcMs> published_until;  // exclusive; a recording without a date never matches
  bool empty() const;
};

enum class Field : uint8_t {
  kStem,   // stemmed words of the text; scored
  kExact,  // the same words unstemmed, with positions; not scored
  kTitle,  // stemmed words of the title, on the first segment of the video, and of a person's name,
           // on the first that the person speaks; scored
};

struct Term {
  Field field = Field::kStem;
  std::string text;
  bool operator==(const Term&) const = default;
};

struct TextQuery {
  enum class Op : uint8_t {
    kWord,    // one of `terms`, scored together as if they were one word
    kPhrase,  // `terms` (kExact) one after the other; scores nothing
    kAny,     // at least one of `parts`; scores add up
    kAll,     // every one of `parts`; scores add up
    kPrefer,  // parts[0] must match, parts[1] may; scores add up
    kExcept,  // parts[0] must match, parts[1] must not
  };
  Op op = Op::kAny;
  std::vector<Term> terms;
  float weight = 1;  // of a kWord
  std::vector<TextQuery> parts;
};

// Robertson and Zaragoza 2009, with the never negative idf ln(1 + (N - n + .5) / (n + .5)).
struct Bm25 {
  float k1 = .8f;
  float b = .5f;
};

struct TextHits {
  std::vector<Hit> hits;   // best first; equal scores by ref
  uint64_t total_min = 0;  // at least so many segments match
  uint64_t total_max = 0;  // and at most so many
};

struct QueryVector {
  std::string model_hash;
  std::vector<float> values;
};

struct VectorHits {
  std::vector<Hit> hits;  // best first, score = dot product; equal scores by ref
  uint64_t scanned = 0;   // vectors under the filter
  float lowest = 0;       // the lowest score under the filter
};

// What a hit is shown with.
struct FoundSegment {
  VideoId video_id;
  TranscriptId transcript_id;
  std::string title;
  std::string source;
  std::optional<UtcMs> published_at;
  IndexedSegment segment;
};

// A recording as the index holds it; for checks against the database.
struct IndexedRecording {
  VideoId video_id;
  TranscriptId transcript_id;  // nil for a recording without segments
  uint32_t segments = 0;
};

struct ReaderInfo {
  std::string generation;
  int64_t as_of_seq = 0;  // every change up to here that was committed is visible
  uint64_t segments = 0;  // of this tenant, like all below
  uint64_t videos = 0;
  uint64_t videos_without_vectors = 0;
  std::string model;       // of the vectors; empty when there are none
  std::string model_hash;  // likewise
  std::vector<std::pair<std::string, uint64_t>> languages;  // with segments each, most first
};

// One tenant's view of one committed state. Cheap to get, used by one thread at a time, held for
// one request: a reader that outlives two commits may fail with kConflict and the reason
// kReaderExpired; get another one then.
inline constexpr const char* kReaderExpired = "index_reader_expired";

class Reader {
 public:
  virtual ~Reader() = default;
  virtual const ReaderInfo& info() const = 0;
  // Segments of a video, for refs [0, count).
  virtual uint32_t CountSegments(uint32_t video) const = 0;

  virtual Result<TextHits> MatchText(const TextQuery& query, const Filter& filter, Bm25 bm25,
                                     uint32_t hits_max) = 0;
  // scores[i] belongs to refs[i]; 0 where the query does not match. `refs` sorted, no ref twice.
  virtual Result<std::vector<float>> ScoreText(const TextQuery& query, Bm25 bm25,
                                               std::span<const SegmentRef> refs) = 0;
  // Exact. kConflict when the query is of another model than the vectors.
  virtual Result<VectorHits> Nearest(const QueryVector& query, const Filter& filter,
                                     uint32_t hits_max, const Deadline& deadline) = 0;
  // nullopt where a segment has no vector.
  virtual Result<std::vector<std::optional<float>>> ScoreVectors(
      const QueryVector& query, std::span<const SegmentRef> refs) = 0;
  virtual Result<std::vector<FoundSegment>> Fetch(std::span<const SegmentRef> refs) = 0;
  // By video id, those after `after` ("": from the first), at most `limit`.
  virtual Result<std::vector<IndexedRecording>> Recordings(const VideoId& after, int limit) = 0;

  // The tenant's vocabulary: exact words that start with `prefix`, in byte order, with the number
  // of segments that have them; at most `words_max`.
  virtual Result<std::vector<std::pair<std::string, uint64_t>>> Words(std::string_view prefix,
                                                                      uint32_t words_max) = 0;
  // Number of the tenant's segments that have the term.
  virtual Result<uint64_t> Frequency(const Term& term) = 0;
};

// ---- The index ----

// Generations are complete indexes beside one another; readers use the current one. A rebuild
// writes a new generation while the current one serves, then switches, and can switch back.
// Thread-safe.
class Index {
 public:
  virtual ~Index() = default;
  // Of the current generation; an empty view when nothing was ever written. kCorrupt names the
  // damaged part; kConflict when the generation was built by another text analysis.
  virtual Result<std::unique_ptr<Reader>> Read(const TenantId& tenant) = 0;
  // `generation` empty is the current one (the first write makes "main"); a new name makes a new
  // generation. Waits for another writer until the deadline.
  virtual Result<std::unique_ptr<Writer>> Write(const std::string& generation,
                                                const Deadline& deadline) = 0;
  // Names; the current one first, the others by name.
  virtual Result<std::vector<std::string>> Generations() = 0;
  // kNotFound for a generation that does not exist.
  virtual Status Switch(const std::string& generation, const Deadline& deadline) = 0;
  // kConflict for the current one; removing what does not exist is ok.
  virtual Status Remove(const std::string& generation, const Deadline& deadline) = 0;
  // Reads everything of the current generation; kCorrupt names the first damaged part.
  virtual Status Verify(const Deadline& deadline) = 0;
};

}  // namespace narralytica::index
