#include "speakers/diarize_stage.hpp"

#include <fmt/format.h>

#include "jobs/changes.hpp"
#include "media/video_store.hpp"
#include "speakers/engine_voice_listener.hpp"
#include "speakers/heard_files.hpp"
#include "speakers/identify.hpp"
#include "speakers/speaker_store.hpp"
#include "transcript/pcm_file.hpp"

namespace narralytica::speakers {
namespace {

constexpr double kDecodedAt = 0.03;  // of the stage's progress
constexpr double kHeardAt = 0.99;

class DiarizeStage final : public jobs::Stage {
 public:
  explicit DiarizeStage(DiarizeStageParts parts) : parts_(std::move(parts)) {}

  Status Run(jobs::StageContext& context) override {
    if (!parts_.enabled) return context.Finish([](access::Tx&) -> Status { return {}; });
    const Deadline deadline =
        Deadline::In(std::chrono::milliseconds(parts_.timeout_ms), context.stop());
    NRL_TRY(const auto folder,
            platform::TemporaryFolder::Create(parts_.temporary_folder, "diarize"));
    context.SetProgress(0, "reading the sound");
    NRL_TRY(const transcript::PreparedSound sound, transcript::FindSound(context, parts_.objects));
    NRL_TRY(auto pcm, transcript::PcmFile::Decode(parts_.media, sound, folder.path(), deadline));
    context.SetProgress(kDecodedAt, "telling speakers apart");
    EngineVoiceListener listener(parts_.engine, parts_.model);
    NRL_TRY(const VoiceModelInfo model, listener.Describe(deadline));
    NRL_TRY(const HeardFiles kept, HeardFiles::Open(parts_.temporary_folder + "/voices",
                                                    context.job().id, model.model_hash));
    NRL_TRY(const DiarizeOptions options, OptionsFor(context, kept));
    NRL_TRY(const Diarization diarization, Diarize(pcm, listener, options, deadline));
    NRL_CHECK(Store(context, diarization));
    kept.Forget();
    return {};
  }

 private:
  static Result<DiarizeOptions> OptionsFor(jobs::StageContext& context, const HeardFiles& kept) {
    DiarizeOptions options;
    const auto payload = nlohmann::json::parse(context.job().payload);
    options.count.least = payload.value("speakers_min", options.count.least);
    options.count.most = payload.value("speakers_max", options.count.most);
    options.heard_before = [&kept](int64_t chunk) { return kept.Load(chunk); };
    options.chunk_done = [&kept](int64_t chunk, const VoiceChunk& heard) {
      return kept.Keep(chunk, heard);
    };
    options.progress = [&context](double fraction) {
      context.SetProgress(kDecodedAt + fraction * (kHeardAt - kDecodedAt),
                          "telling speakers apart");
    };
    return options;
  }

  static Status Store(jobs::StageContext& context, const Diarization& diarization) {
    const UtcMs now = context.environment().clock.Now();
    const StoredDiarization stored{.id = DiarizationId::New(context.environment()),
                                   .video = context.job().video,
                                   .model = diarization.model.model,
                                   .model_hash = diarization.model.model_hash,
                                   .settings_hash = diarization.settings_hash,
                                   .created_at = now};
    IdentifyRequest identify{
        stored.video, stored.id, {diarization.model.model, diarization.model.model_hash}, {}};
    std::vector<StoredSpeaker> speakers;
    for (const Speaker& speaker : diarization.speakers) {
      const int index = static_cast<int>(speakers.size());
      speakers.push_back({.id = SpeakerId::New(context.environment()),
                          .video = stored.video,
                          .diarization = stored.id,
                          .speaker_index = index,
                          .label = fmt::format("Speaker {}", index + 1),
                          .speech_ms = speaker.speech_ms,
                          .created_at = now});
      identify.voices.push_back({speakers.back().id, speaker.speech_ms, speaker.voice});
    }
    std::vector<StoredTurn> turns;
    turns.reserve(diarization.turns.size());
    for (const Turn& turn : diarization.turns) {
      turns.push_back({speakers[turn.speaker].id, turn.range, turn.confidence});
    }
    return context.Finish([&](access::Tx& tx) -> Status {
      NRL_CHECK(InsertDiarization(tx, stored, speakers, turns));
      NRL_CHECK(IdentifySpeakers(tx, identify, context.environment(), IdentityRules{}));
      return jobs::AppendChange(tx, {"diarization", stored.video.str()}, "put", now);
    });
  }

  const DiarizeStageParts parts_;
};

}  // namespace

std::unique_ptr<jobs::Stage> MakeDiarizeStage(DiarizeStageParts parts) {
  return std::make_unique<DiarizeStage>(std::move(parts));
}

Result<std::vector<transcript::SpeakerTurn>> CurrentTurns(access::Tx& tx, const VideoId& video) {
  std::vector<transcript::SpeakerTurn> turns;
  NRL_TRY(const auto diarization, CurrentDiarization(tx, video));
  if (!diarization) return turns;
  NRL_TRY(const std::vector<StoredTurn> stored, TurnsOf(tx, diarization->id));
  turns.reserve(stored.size());
  for (const StoredTurn& turn : stored) turns.push_back({turn.speaker, turn.range});
  return turns;
}

}  // namespace narralytica::speakers
