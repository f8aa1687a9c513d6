#include "media/prepare_stage.hpp"

#include <algorithm>
#include <map>
#include <set>

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

// What WebM allows, the part of Matroska that browsers play.
bool IsWebm(const MediaInfo& info) {
  static const std::set<std::string> codecs{"vp8", "vp9", "av1", "opus", "vorbis"};
  return std::ranges::all_of(info.streams, [](const StreamInfo& stream) {
    return (stream.kind != StreamKind::kVideo && stream.kind != StreamKind::kAudio) ||
           codecs.contains(stream.codec);
  });
}

// The original's media type by what it was found to be, never by its name: what a browser needs to
// know to show the picture.
std::string OriginalType(const MediaInfo& info) {
  static const std::map<std::string, std::string> subtypes{{"mov,mp4,m4a,3gp,3g2,mj2", "mp4"},
                                                           {"ogg", "ogg"},
                                                           {"mp3", "mpeg"},
                                                           {"wav", "wav"},
                                                           {"flac", "flac"}};
  const bool is_matroska = info.container == "matroska,webm";
  const auto found = subtypes.find(info.container);
  if (!is_matroska && found == subtypes.end()) return "application/octet-stream";
  const std::string subtype = !is_matroska ? found->second : IsWebm(info) ? "webm" : "x-matroska";
  const bool moves = std::ranges::any_of(
      info.streams, [](const StreamInfo& stream) { return stream.kind == StreamKind::kVideo; });
  return (moves ? "video/" : "audio/") + subtype;
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
    NRL_TRY(std::vector<Artifact> artifacts, Store(context, prepared));
    artifacts.push_back(*original);
    artifacts.back().content_type = OriginalType(prepared.info);
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
      NRL_TRY(platform::ObjectRef object, context.PutObjectFile(parts_.objects, path));
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
