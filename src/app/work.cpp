#include "app/work.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "app/engine_supervisor.hpp"
#include "index/stages.hpp"
#include "jobs/pipeline.hpp"
#include "jobs/wake_file.hpp"
#include "jobs/worker.hpp"
#include "media/follower.hpp"
#include "media/prepare_stage.hpp"
#include "media/video_store.hpp"
#include "platform/file.hpp"
#include "platform/inference/engine_client.hpp"
#include "speakers/diarize_stage.hpp"
#include "transcript/transcribe_stage.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::seconds kMetricsEvery{5};
constexpr std::chrono::milliseconds kMediaStartTimeout{20'000};

Result<media::MediaService> OpenMedia(const Installation& store, const std::stop_token& stop) {
  media::MediaServiceOptions options;
  options.limits = store.config().media;
  options.sandbox = store.config().environment == "production"
                        ? platform::SandboxPolicy::kRequired
                        : platform::SandboxPolicy::kPreferred;
  auto service = media::MediaService::Create(options, Deadline::In(kMediaStartTimeout, stop));
  if (service && !service->sandbox_fallback_cause().empty()) {
    store.log().Warn("media runs without bubblewrap",
                     {{"cause", service->sandbox_fallback_cause()}});
  }
  return service;
}

// Keeps DIR/run/work.prom up to date until it is destroyed.
class MetricsFile {
 public:
  MetricsFile(const Installation& store, const platform::Metrics& metrics)
      : thread_([&store, &metrics](const std::stop_token& stop) {
          const std::string path = store.folder() + "/run/work.prom";
          std::mutex mutex;
          std::condition_variable_any wake;
          std::unique_lock lock(mutex);
          do {
            wake.wait_for(lock, stop, kMetricsEvery, [] { return false; });
            const Status wrote = metrics.WriteFile(path);
            if (!wrote) store.log().Error("cannot write the metrics", wrote.error());
          } while (!stop.stop_requested());
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace

EngineSupervisorOptions EngineOptions(const Installation& store) {
  return {store.folder(), store.engine_socket(), store.settings(),
          store.folder() + "/logs/engine.log", store.config().engine.start_timeout_ms};
}

Status RunWorker(Installation& store, const std::stop_token& stop, bool drain) {
  NRL_TRY(const media::MediaService media, OpenMedia(store, stop));
  NRL_TRY(const source::Dialer dialer, source::Dialer::Create(store.config().fetch));
  const source::VideoSites sites(store.config().sites, platform::ProgramPath());
  const EngineSupervisor supervisor(EngineOptions(store), store.log());
  platform::EngineClient engine(store.engine_socket(),
                                std::chrono::milliseconds(store.config().engine.start_timeout_ms));
  index::EngineEmbedder embedder(engine, kEmbeddingModel);
  const Environment environment = store.environment();
  platform::Metrics metrics;
  const jobs::StageServices services{.database = store.database(),
                                     .environment = environment,
                                     .queue = store.queue(),
                                     .set_video_status = media::VideoStatusWriter(environment),
                                     .metrics = metrics,
                                     .has_room = [&store] {
                                       return media::CheckRoom(store.objects(),
                                                               store.config().intake.admission);
                                     }};
  if (const int swept = platform::TemporaryFolder::SweepAbandoned(store.temporary_folder())) {
    store.log().Info("removed what killed workers left", {{"folders", swept}});
  }
  const media::PrepareStageParts prepare{
      media,
      {dialer, sites, store.objects(), store.temporary_folder() + "/downloads",
       store.config().intake.file_bytes_max},
      store.objects(),
      store.temporary_folder()};
  jobs::StageMap stages;
  stages["ingest"] = media::MakePrepareStage(prepare);
  stages[jobs::kPrepareAgain.Label()] = media::MakePrepareStage(prepare);
  stages["diarize"] =
      speakers::MakeDiarizeStage({engine, media, store.objects(), store.temporary_folder(),
                                  store.config().diarization.enabled});
  stages["transcribe"] = transcript::MakeTranscribeStage(
      {engine, media, store.objects(), store.temporary_folder(), store.config().recognition.model,
       store.config().recognition.language, speakers::CurrentTurns});
  stages["enrich:embedding"] = index::MakeEmbeddingStage(embedder, store.objects());
  stages["index"] = index::MakeIndexStage(store.index(), store.objects());
  const MetricsFile metrics_file(store, metrics);
  const media::Intake intake({store.database(), store.objects(), store.queue(), environment},
                             store.config().intake);
  const media::Follower follower({store.database(), environment, store.log(), dialer, intake,
                                  store.config().feeds, NewUuid(environment)});
  jobs::Worker worker(services, store.config().work, std::move(stages), store.log());
  const jobs::WakeListener listener(store.wake_file(), [&worker] { worker.Hint(); });
  return worker.Run(stop, drain);
}

}  // namespace narralytica::app
