#include "api/transcript_view.hpp"

#include "api/speakers_view.hpp"
#include "api/wire.hpp"
#include "transcript/captions.hpp"

namespace narralytica::api {
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

// Of those who speak in the segments; empty where it is one alone, who needs no name.
transcript::SpeakerNames NamesFor(const LoadedTranscript& loaded) {
  transcript::SpeakerNames names;
  for (const transcript::Segment& segment : loaded.segments) {
    if (segment.speaker) names.try_emplace(*segment.speaker);
  }
  if (names.size() < 2) return {};
  for (const speakers::StoredSpeaker& speaker : loaded.speakers) {
    const auto found = names.find(speaker.id);
    if (found != names.end()) found->second = speakers::DisplayName(speaker);
  }
  return names;
}

}  // namespace

Result<LoadedTranscript> ReadTranscriptRows(access::Tx& tx, const transcript::Transcript& found) {
  LoadedTranscript loaded;
  loaded.transcript = found;
  NRL_TRY(loaded.video, media::GetVideo(tx, found.video));
  NRL_TRY(const auto audio, media::ArtifactOf(tx, found.video, "audio"));
  loaded.audio = audio.object;
  NRL_TRY(const auto rows, transcript::SegmentsOf(tx, found.id));
  for (const transcript::StoredSegment& row : rows) {
    loaded.ids.push_back(row.id);
    loaded.segments.push_back({row.range, row.language, row.text, {}, row.speaker, row.overlap_ms});
  }
  NRL_TRY(loaded.speakers, speakers::SpeakersOfVideo(tx, found.video));
  return loaded;
}

Status AddWords(platform::ObjectStore& objects, LoadedTranscript& loaded) {
  NRL_TRY(transcript::SegmentWords words, transcript::LoadWords(objects, loaded.transcript));
  if (words.size() != loaded.segments.size()) {
    return Fail(ErrorCode::kCorrupt, "the words of the transcript do not match its segments",
                "run narralytica fsck; transcribe the recording again");
  }
  for (size_t i = 0; i < words.size(); ++i) loaded.segments[i].words = std::move(words[i]);
  return {};
}

Result<LoadedTranscript> LoadTranscript(const TranscriptSource& source, const access::Scope& scope,
                                        const VideoId& video) {
  NRL_TRY(LoadedTranscript loaded,
          access::Read(source.database, scope, [&](access::Tx& tx) -> Result<LoadedTranscript> {
            NRL_TRY(const media::Video found, media::GetVideo(tx, video));
            NRL_TRY(const auto current, transcript::CurrentTranscript(tx, found.id));
            return ReadTranscriptRows(tx, current);
          }));
  NRL_CHECK(AddWords(source.objects, loaded));
  return loaded;
}

Json TranscriptJson(const LoadedTranscript& loaded) {
  Json segments = Json::array();
  for (size_t i = 0; i < loaded.segments.size(); ++i) {
    const transcript::Segment& segment = loaded.segments[i];
    Json words = Json::array();
    for (const transcript::Word& word : segment.words) words.push_back(WordJson(word));
    segments.push_back({{"id", loaded.ids[i].str()},
                        {"start_ms", segment.range.start_ms},
                        {"end_ms", segment.range.end_ms},
                        {"text", segment.text},
                        {"language", segment.language},
                        {"speaker_id", segment.speaker ? Json(segment.speaker->str()) : Json()},
                        {"speaker", SpeakerNameJson(loaded.speakers, segment.speaker)},
                        {"overlap_ms", segment.overlap_ms},
                        {"words", std::move(words)}});
  }
  const transcript::Transcript& transcript = loaded.transcript;
  Json json = TranscriptSummaryJson(transcript);
  json["duration_ms"] = OrNull(loaded.video.duration_ms);
  json["text"] = FullText(loaded.segments);
  json["segments"] = std::move(segments);
  json["audio_ref"] = {{"bucket", "objects"}, {"key", loaded.audio.key}};
  json["storage_ref"] = {{"provider", "folder"},
                         {"bucket", "objects"},
                         {"key", transcript.words.key},
                         {"content_type", "application/json"},
                         {"size_bytes", transcript.words.bytes},
                         {"checksum", "sha256:" + transcript.words.sha256}};
  return json;
}

std::string FormatTranscript(const LoadedTranscript& loaded, const std::string& format) {
  if (format == "json") {
    return TranscriptJson(loaded).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  const transcript::SpeakerNames names = NamesFor(loaded);
  if (format == "txt") return transcript::ToText(loaded.segments, names);
  const auto captions = transcript::MakeCaptions(loaded.segments, names);
  return format == "srt" ? transcript::ToSrt(captions) : transcript::ToVtt(captions);
}

}  // namespace narralytica::api
