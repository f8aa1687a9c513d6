// A transcript as people take it away: the contract's JSON, captions, plain text.
#pragma once

#include <string>
#include <vector>

#include "app/cli.hpp"
#include "media/video_store.hpp"
#include "transcript/segmenter.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::app {

struct LoadedTranscript {
  media::Video video;
  platform::ObjectRef audio;
  transcript::Transcript transcript;
  std::vector<transcript::Segment> segments;  // with their words
};

// kNotFound for a video without transcript, kCorrupt when rows and words do not belong together.
Result<LoadedTranscript> LoadTranscript(Installation& store, const VideoId& video);

// The contract's transcript.
Json TranscriptJson(const LoadedTranscript& loaded);

// "json", "srt", "vtt" or "txt"; ends with a line break.
std::string FormatTranscript(const LoadedTranscript& loaded, const std::string& format);

}  // namespace narralytica::app
