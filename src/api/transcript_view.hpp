// A transcript as people take it away: the contract's JSON, captions, plain text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "media/video_store.hpp"
#include "speakers/speaker_store.hpp"
#include "transcript/segmenter.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::api {

using Json = nlohmann::ordered_json;

struct LoadedTranscript {
  media::Video video;
  platform::ObjectRef audio;
  transcript::Transcript transcript;
  std::vector<SegmentId> ids;                     // of the segments
  std::vector<transcript::Segment> segments;      // with their words
  std::vector<speakers::StoredSpeaker> speakers;  // all that the segments may name
};

// The rows of a transcript, still without words; kNotFound when the recording is not there.
Result<LoadedTranscript> ReadTranscriptRows(access::Tx& tx, const transcript::Transcript& found);
// Adds the words; kCorrupt when rows and words do not belong together.
Status AddWords(platform::ObjectStore& objects, LoadedTranscript& loaded);
// Both, of a video's current transcript; kNotFound for a video without one.
struct TranscriptSource {
  platform::Database& database;
  platform::ObjectStore& objects;
};
Result<LoadedTranscript> LoadTranscript(const TranscriptSource& source, const access::Scope& scope,
                                        const VideoId& video);

// The contract's transcript.
Json TranscriptJson(const LoadedTranscript& loaded);

// "json", "srt", "vtt" or "txt"; ends with a line break. All but the first say who speaks, where
// more than one does.
std::string FormatTranscript(const LoadedTranscript& loaded, const std::string& format);

}  // namespace narralytica::api
