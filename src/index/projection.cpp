#include "index/projection.hpp"

#include "index/vector_store.hpp"
#include "media/video_store.hpp"
#include "source/source_store.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::index {

Result<std::vector<IndexedSegment>> ProjectSegments(access::Tx& tx,
                                                    const TranscriptId& transcript) {
  NRL_TRY(const auto stored, transcript::SegmentsOf(tx, transcript));
  std::vector<IndexedSegment> segments;
  segments.reserve(stored.size());
  for (const auto& segment : stored) {
    segments.push_back({.id = segment.id,
                        .segment_index = segment.segment_index,
                        .range = segment.range,
                        .text = segment.text,
                        .language = segment.language,
                        .speaker_id = {},
                        .speaker_name = {}});
  }
  return segments;
}

Result<Projection> Project(access::Tx& tx, platform::ObjectStore& objects, const VideoId& video) {
  const auto found = media::GetVideo(tx, video);
  if (!found) {
    if (found.error().code == ErrorCode::kNotFound) return Projection{};
    return Fail(found);
  }
  const auto transcript = transcript::CurrentTranscript(tx, video);
  if (!transcript) {
    if (transcript.error().code == ErrorCode::kNotFound) return Projection{};
    return Fail(transcript);
  }
  NRL_TRY(const source::Source source, source::SourceOfVideo(tx, video));
  Recording recording;
  recording.tenant_id = tx.tenant();
  recording.video_id = video;
  recording.transcript_id = transcript->id;
  recording.title = found->title;
  recording.source = source.kind;
  recording.published_at = found->published_at;
  NRL_TRY(recording.segments, ProjectSegments(tx, transcript->id));
  Projection projection;
  NRL_TRY(const auto stored, VectorsOf(tx, transcript->id));
  if (stored) {
    auto vectors = LoadVectors(objects, *stored);
    if (vectors) {
      recording.vectors = std::move(*vectors);
    } else {
      projection.vectors_error = vectors.error();
    }
  }
  projection.recording = std::move(recording);
  return projection;
}

}  // namespace narralytica::index
