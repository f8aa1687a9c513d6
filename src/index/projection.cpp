#include "index/projection.hpp"

#include <map>
#include <set>

#include "index/vector_store.hpp"
#include "media/video_store.hpp"
#include "source/source_store.hpp"
#include "speakers/speaker_store.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::index {
namespace {

Status AddSpeakerNames(access::Tx& tx, Recording& recording) {
  NRL_TRY(const auto speakers, speakers::SpeakersOfVideo(tx, recording.video_id));
  std::map<std::string, const speakers::StoredSpeaker*> by_id;
  for (const auto& speaker : speakers) by_id[speaker.id.str()] = &speaker;
  std::set<std::string> named;
  for (IndexedSegment& segment : recording.segments) {
    const auto found = by_id.find(segment.speaker_id);
    if (found == by_id.end()) continue;
    segment.speaker_name = speakers::DisplayName(*found->second);
    // A label ("Speaker 1") says nothing that anybody would look for.
    segment.name_found = !found->second->name.empty() && named.insert(segment.speaker_id).second;
  }
  return {};
}

}  // namespace

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
                        .speaker_id = segment.speaker ? segment.speaker->str() : "",
                        .speaker_name = {},
                        .overlap_ms = segment.overlap_ms});
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
  NRL_CHECK(AddSpeakerNames(tx, recording));
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
