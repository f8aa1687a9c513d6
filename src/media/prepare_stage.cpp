#include "media/prepare_stage.hpp"

#include "jobs/changes.hpp"
#include "media/video_store.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

// What storing the outputs is of the whole stage, for progress.
constexpr double kPrepareShare = 0.9;

nlohmann::json DetailOf(const PreparedMedia& prepared) {
  nlohmann::json detail{{"container", prepared.info.container},
                        {"samples", prepared.samples},
                        {"warnings", prepared.warnings},
                        {"cpu_ms", prepared.usage.cpu_ms},
                        {"rss_bytes_max", prepared.usage.rss_bytes_max}};
  if (prepared.loudness_lufs) detail["loudness_lufs"] = *prepared.loudness_lufs;
  if (prepared.channel_correlation) detail["channel_correlation"] = *prepared.channel_correlation;
  return detail;
}

class PrepareStage final : public jobs::Stage {
 public:
  explicit PrepareStage(PrepareStageParts parts) : parts_(std::move(parts)) {}

  Status Run(jobs::StageContext& context) override {
    bool acquired = false;
    NRL_TRY(const auto original, Original(context, &acquired));
    if (!original) return {};  // a duplicate: the job has ended
    NRL_TRY(const platform::LocalObject input, parts_.objects.Locate(original->object.key));
    NRL_TRY(const auto folder,
            platform::TemporaryFolder::Create(parts_.temporary_folder, "prepare"));
    context.SetPhase("processing");
    const Deadline deadline =
        Deadline::In(std::chrono::milliseconds(parts_.timeout_ms), context.stop());
    NRL_TRY(const PreparedMedia prepared,
            parts_.service.Prepare({.input_path = input.path,
                                    .input_offset_bytes = input.offset_bytes,
                                    .output_dir = folder.path()},
                                   deadline, [&](double fraction) {
                                     const double from = acquired ? kAcquireShare : 0;
                                     context.SetProgress(from + fraction * (kPrepareShare - from),
                                                         "preparing");
                                   }));
    NRL_TRY(const std::vector<Artifact> artifacts, Store(context, prepared));
    return context.Finish([&](access::Tx& tx) -> Status {
      const VideoId& video = context.job().video;
      const UtcMs now = context.environment().clock.Now();
      for (const Artifact& artifact : artifacts) {
        NRL_CHECK(PutArtifact(tx, video, artifact, context.environment()));
      }
      NRL_CHECK(SetVideoDuration(tx, video, prepared.duration_ms, now));
      return jobs::AppendChange(tx, {"video", video.str()}, "put", now);
    });
  }

 private:
  // As taken in; nullopt when the job has ended with it.
  Result<std::optional<Artifact>> Original(jobs::StageContext& context, bool* acquired) {
    auto original = context.Read(
        [&](access::Tx& tx) { return ArtifactOf(tx, context.job().video, "original"); });
    if (original) return *original;
    if (original.error().code != ErrorCode::kNotFound) return Fail(original);
    *acquired = true;
    return Acquire(parts_.acquire, context);
  }

  Result<std::vector<Artifact>> Store(jobs::StageContext& context, const PreparedMedia& prepared) {
    std::vector<Artifact> artifacts;
    const auto put = [&](std::string kind, const std::string& path,
                         std::string content_type) -> Status {
      NRL_TRY(platform::ObjectRef object, parts_.objects.PutFile(context.scope().tenant, path, {}));
      artifacts.push_back({std::move(kind), std::move(object), std::move(content_type)});
      return {};
    };
    context.SetPhase("storing");
    context.SetProgress(kPrepareShare, "storing");
    NRL_CHECK(put("audio", prepared.audio_path, "audio/flac"));
    artifacts.back().detail = DetailOf(prepared);
    NRL_CHECK(put("playback", prepared.playback_path, "audio/webm"));
    NRL_CHECK(put("waveform", prepared.waveform_path, "application/json"));
    if (prepared.poster_path) NRL_CHECK(put("poster", *prepared.poster_path, "image/jpeg"));
    return artifacts;
  }

  const PrepareStageParts parts_;
};

}  // namespace

std::unique_ptr<jobs::Stage> MakePrepareStage(PrepareStageParts parts) {
  return std::make_unique<PrepareStage>(std::move(parts));
}

}  // namespace narralytica::media
