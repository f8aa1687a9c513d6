#include "app/transcript_export.hpp"

#include "transcript/captions.hpp"

namespace narralytica::app {
namespace {

Json WordJson(const transcript::Word& word) {
  return {{"start_ms", word.start_ms},
          {"end_ms", word.end_ms},
          {"text", word.text},
          {"confidence", word.confidence}};
}

std::string FullText(const std::vector<transcript::Segment>& segments) {
  std::string text;
  for (const transcript::Segment& segment : segments) {
    if (!text.empty()) text += ' ';
    text += segment.text;
  }
  return text;
}

}  // namespace

Result<LoadedTranscript> LoadTranscript(Installation& store, const VideoId& video) {
  LoadedTranscript loaded;
  NRL_TRY(const std::vector<transcript::StoredSegment> rows,
          access::Read(store.database(), store.scope(),
                       [&](access::Tx& tx) -> Result<std::vector<transcript::StoredSegment>> {
                         NRL_TRY(loaded.video, media::GetVideo(tx, video));
                         NRL_TRY(loaded.transcript, transcript::CurrentTranscript(tx, video));
                         NRL_TRY(const auto audio, media::ArtifactOf(tx, video, "audio"));
                         loaded.audio = audio.object;
                         return transcript::SegmentsOf(tx, loaded.transcript.id);
                       }));
  NRL_TRY(transcript::SegmentWords words,
          transcript::LoadWords(store.objects(), loaded.transcript));
  if (words.size() != rows.size()) {
    return Fail(ErrorCode::kCorrupt, "the words of the transcript do not match its segments",
                "run narralytica fsck; transcribe the recording again");
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    loaded.segments.push_back({rows[i].range, rows[i].language, rows[i].text, std::move(words[i])});
  }
  return loaded;
}

Json TranscriptJson(const LoadedTranscript& loaded) {
  Json segments = Json::array();
  for (const transcript::Segment& segment : loaded.segments) {
    Json words = Json::array();
    for (const transcript::Word& word : segment.words) words.push_back(WordJson(word));
    segments.push_back({{"start_ms", segment.range.start_ms},
                        {"end_ms", segment.range.end_ms},
                        {"text", segment.text},
                        {"language", segment.language},
                        {"words", std::move(words)}});
  }
  const transcript::Transcript& transcript = loaded.transcript;
  return {{"video_id", transcript.video.str()},
          {"transcript_id", transcript.id.str()},
          {"version", transcript.version},
          {"provider", transcript.engine},
          {"model", transcript.model},
          {"model_hash", transcript.model_hash},
          {"settings_hash", transcript.settings_hash},
          {"language", transcript.language},
          {"duration_ms", loaded.video.duration_ms ? Json(*loaded.video.duration_ms) : Json()},
          {"text", FullText(loaded.segments)},
          {"segments", std::move(segments)},
          {"audio_ref", {{"bucket", "objects"}, {"key", loaded.audio.key}}},
          {"storage_ref",
           {{"provider", "folder"},
            {"bucket", "objects"},
            {"key", transcript.words.key},
            {"content_type", "application/json"},
            {"size_bytes", transcript.words.bytes},
            {"checksum", "sha256:" + transcript.words.sha256}}}};
}

std::string FormatTranscript(const LoadedTranscript& loaded, const std::string& format) {
  if (format == "json") {
    return TranscriptJson(loaded).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  if (format == "txt") return transcript::ToText(loaded.segments);
  const auto captions = transcript::MakeCaptions(loaded.segments);
  return format == "srt" ? transcript::ToSrt(captions) : transcript::ToVtt(captions);
}

}  // namespace narralytica::app
