#include "transcript/transcribe_stage.hpp"

#include <map>

#include "jobs/changes.hpp"
#include "media/video_store.hpp"
#include "transcript/engine_recognizer.hpp"
#include "transcript/pcm_file.hpp"
#include "transcript/segmenter.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::transcript {
namespace {

// Of the stage's progress: decoding to samples, recognition, storing.
constexpr double kDecodedAt = 0.02;
constexpr double kRecognizedAt = 0.99;

double MeanConfidence(const std::vector<Word>& words) {
  double sum = 0;
  for (const Word& word : words) sum += word.confidence;
  return words.empty() ? 0 : sum / static_cast<double>(words.size());
}

// What was asked for when the recording was accepted; the configured defaults otherwise.
struct Wanted {
  std::string model;
  std::string language;  // "" detects
};

class TranscribeStage final : public jobs::Stage {
 public:
  explicit TranscribeStage(TranscribeStageParts parts) : parts_(std::move(parts)) {}

  Status Run(jobs::StageContext& context) override {
    const Deadline deadline =
        Deadline::In(std::chrono::milliseconds(parts_.timeout_ms), context.stop());
    context.SetProgress(0, "loading the model");
    const Wanted wanted = WantedOf(context.job());
    NRL_TRY(auto recognizer,
            ConnectRecognizer(parts_.engine, wanted.model, wanted.language, deadline));
    NRL_TRY(const RecognizerInfo info, recognizer->Describe(deadline));
    NRL_TRY(const auto known, KnownWords(context, info, wanted));
    if (known) return Store(context, *known);
    NRL_TRY(const auto folder,
            platform::TemporaryFolder::Create(parts_.temporary_folder, "transcribe"));
    context.SetProgress(0, "reading the sound");
    NRL_TRY(const PreparedSound sound, FindSound(context, parts_.objects));
    NRL_TRY(PcmFile pcm, PcmFile::Decode(parts_.media, sound, folder.path(), deadline));
    context.SetProgress(kDecodedAt, "transcribing");
    EngineSpeechDetector detector(parts_.engine);
    Transcriber transcriber(*recognizer, detector);
    NRL_TRY(const TranscribeOptions options, OptionsFor(context, wanted));
    NRL_TRY(const RawTranscript raw, transcriber.Run(pcm, options, deadline));
    if (raw.halved_batches > 0) {
      context.log().Warn("batches halved for the engine's memory",
                         {{"batches", raw.halved_batches}});
    }
    return Store(context, raw);
  }

 private:
  Wanted WantedOf(const jobs::Job& job) const {
    const auto payload = nlohmann::json::parse(job.payload);
    std::string model = payload.value("model", "");
    std::string language = payload.value("language", "");
    if (model.empty()) model = parts_.model;
    if (language.empty()) language = parts_.language;
    return {ModelId(model), language == "auto" ? "" : language};
  }

  // What the same model heard before, with the same settings: only who said it may have changed.
  // None where it is not whole.
  Result<std::optional<RawTranscript>> KnownWords(jobs::StageContext& context,
                                                  const RecognizerInfo& info,
                                                  const Wanted& wanted) {
    std::vector<StoredSegment> segments;
    NRL_TRY(const auto current,
            context.Read([&](access::Tx& tx) -> Result<std::optional<Transcript>> {
              auto found = CurrentTranscript(tx, context.job().video);
              if (!found && found.error().code == ErrorCode::kNotFound) return std::nullopt;
              if (!found) return Fail(found);
              NRL_TRY(segments, SegmentsOf(tx, found->id));
              return std::move(*found);
            }));
    RawTranscript raw{.recognizer = info, .settings_hash = TranscribeSettingsHash(wanted.language)};
    if (!current || current->engine != info.engine || current->model_hash != info.model_hash ||
        current->settings_hash != raw.settings_hash) {
      return std::nullopt;
    }
    const auto words = LoadWords(parts_.objects, *current);
    if (!words || words->size() != segments.size()) return std::nullopt;
    raw.language = current->language;
    for (size_t i = 0; i < segments.size(); ++i) {
      raw.windows.push_back(
          {.range = segments[i].range, .language = segments[i].language, .words = (*words)[i]});
    }
    context.log().Info("words are known", {{"transcript", current->id.str()}});
    return raw;
  }

  static Result<TranscribeOptions> OptionsFor(jobs::StageContext& context, const Wanted& wanted) {
    TranscribeOptions options;
    options.language = wanted.language;
    NRL_TRY(const std::vector<std::string> parts, context.LoadCheckpoints());
    for (const std::string& part : parts) {
      options.checkpoint.push_back(nlohmann::json::parse(part));
    }
    if (!parts.empty()) context.log().Info("resuming", {{"batches", parts.size()}});
    options.batch_started = [&context](const TimeRange& range) {
      context.log().Debug("batch started",
                          {{"start_ms", range.start_ms}, {"end_ms", range.end_ms}});
    };
    options.batch_done =
        [&context, part = static_cast<int>(parts.size())](const nlohmann::json& batch) mutable {
          return context.AppendCheckpoint(part++, batch.dump());
        };
    options.progress = [&context](double fraction) {
      context.SetProgress(kDecodedAt + fraction * (kRecognizedAt - kDecodedAt), "transcribing");
    };
    return options;
  }

  Status Store(jobs::StageContext& context, const RawTranscript& raw) {
    context.SetProgress(kRecognizedAt, "storing the transcript");
    const VideoId& video = context.job().video;
    NRL_TRY(const std::vector<SpeakerTurn> turns,
            context.Read([&](access::Tx& tx) { return parts_.turns_of(tx, video); }));
    const std::vector<Segment> segments = MakeSegments(raw.windows, turns);
    SegmentWords words;
    std::vector<StoredSegment> rows;
    Transcript transcript;
    for (const Segment& segment : segments) {
      rows.push_back({.id = SegmentId::New(context.environment()),
                      .segment_index = static_cast<int>(rows.size()),
                      .range = segment.range,
                      .text = segment.text,
                      .language = segment.language,
                      .confidence = MeanConfidence(segment.words),
                      .speaker = segment.speaker,
                      .overlap_ms = segment.overlap_ms});
      words.push_back(segment.words);
      transcript.words_count += std::ssize(segment.words);
    }
    const std::string object = EncodeWords(words);
    NRL_TRY(transcript.words,
            context.PutObject(parts_.objects,
                              {reinterpret_cast<const uint8_t*>(object.data()), object.size()}));
    transcript.id = TranscriptId::New(context.environment());
    transcript.video = video;
    transcript.engine = raw.recognizer.engine;
    transcript.model = raw.recognizer.model;
    transcript.model_hash = raw.recognizer.model_hash;
    transcript.settings_hash = raw.settings_hash;
    transcript.language = raw.language;
    transcript.created_at = context.environment().clock.Now();
    return context.Finish([&](access::Tx& tx) -> Status {
      NRL_CHECK(InsertTranscript(tx, transcript, rows));
      NRL_CHECK(media::SetVideoLanguage(tx, video, raw.language, transcript.created_at));
      return jobs::AppendChange(tx, {"transcript", video.str()}, "put", transcript.created_at);
    });
  }

  const TranscribeStageParts parts_;
};

}  // namespace

std::string ModelId(const std::string& name) {
  static const std::map<std::string, std::string> names{
      {"base", "whisper-base"}, {"small-en", "whisper-tiny-en"}, {"tiny.en", "whisper-tiny-en"}};
  const auto found = names.find(name);
  return found == names.end() ? name : found->second;
}

std::unique_ptr<jobs::Stage> MakeTranscribeStage(TranscribeStageParts parts) {
  return std::make_unique<TranscribeStage>(std::move(parts));
}

}  // namespace narralytica::transcript
