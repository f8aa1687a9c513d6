#include "app/local_backend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "api/job_changes.hpp"
#include "api/search_service.hpp"
#include "api/speakers_view.hpp"
#include "api/transcript_view.hpp"
#include "api/video_view.hpp"
#include "api/wire.hpp"
#include "app/model_catalog.hpp"
#include "app/partial_file.hpp"
#include "app/work.hpp"
#include "index/embedder.hpp"
#include "platform/file.hpp"
#include "platform/inference/engine_client.hpp"
#include "platform/metrics.hpp"
#include "source/dialer.hpp"
#include "source/video_site.hpp"
#include "transcript/transcribe_stage.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::milliseconds kPoll{200};
constexpr std::chrono::seconds kSearchTimeout{30};
constexpr std::streamsize kCopyBytes = 1 << 20;

// Known before the work is accepted, not when it fails.
Status CheckModel(const Installation& store, const std::string& name) {
  if (name.empty()) return {};
  NRL_TRY(const std::vector<Model> models, ListModels(ModelsFolder(store.config().engine)));
  const bool known = std::ranges::any_of(models, [&](const Model& model) {
    return model.task == "recognition" && model.id == transcript::ModelId(name);
  });
  if (known) return {};
  return Fail(ErrorCode::kInvalid, fmt::format("there is no recognition model '{}'", name),
              "base, small-en, or one that narralytica models lists");
}

// A worker inside this command, for as long as nobody else does the work.
class BorrowedWorker {
 public:
  explicit BorrowedWorker(Installation& store)
      : thread_([this, &store](const std::stop_token& stop) {
          outcome_ = RunWorker(store, stop, false);
          ended_ = true;
        }) {}
  // An error when it has ended.
  Status Check() const {
    if (!ended_) return {};
    if (!outcome_) return outcome_;
    return Fail(ErrorCode::kUnavailable, "the worker ended before the work");
  }

 private:
  Status outcome_;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

Status CopyObject(Installation& store, const std::string& key, const std::string& path) {
  NRL_CHECK(store.objects().Verify(key));
  NRL_TRY(const platform::LocalObject object, store.objects().Locate(key));
  NRL_TRY(PartialFile file, PartialFile::Create(path));
  std::ifstream input(object.path, std::ios::binary);
  input.seekg(object.offset_bytes);
  std::vector<char> piece(kCopyBytes);
  while (input.read(piece.data(), kCopyBytes) || input.gcount() > 0) {
    NRL_CHECK(file.Write(
        {reinterpret_cast<const uint8_t*>(piece.data()), static_cast<size_t>(input.gcount())}));
  }
  if (input.bad() || !input.eof()) {
    return Fail(ErrorCode::kUnavailable, "a stored file cannot be read", "run narralytica fsck");
  }
  return file.Commit();
}

// Everything that a list has, up to `limit`, as the API's pages would give it. `list` reads a page.
template <typename List, typename ToJson>
Result<Json> ReadPages(int limit, List list, ToJson to_json) {
  Json items = Json::array();
  access::PageRequest request{.limit = std::min(limit, access::kPageLimitMax)};
  do {
    NRL_TRY(const auto page, list(request));
    for (const auto& item : page.items) {
      if (items.size() < static_cast<size_t>(limit)) items.push_back(to_json(item));
    }
    request.after = page.after;
  } while (!request.after.empty() && items.size() < static_cast<size_t>(limit));
  return items;
}

class LocalBackend final : public Backend {
  // Before their use, which deduces what they return.
  template <typename Function>
  auto Read(Function function) {
    return access::Read(store_->database(), store_->scope(), function);
  }
  template <typename Function>
  auto Write(Function function) {
    return access::Write(store_->database(), store_->scope(), function);
  }

 public:
  LocalBackend(std::unique_ptr<Installation> store, std::stop_token stop)
      : store_(std::move(store)), stop_(std::move(stop)) {}

  Status CheckIntake() override { return {}; }

  Result<Json> Ingest(const media::IntakeRequest& request,
                      const IntakeProgress& progress) override {
    NRL_CHECK(CheckModel(*store_, request.model));
    NRL_TRY(const media::Accepted accepted, Accept(request, progress));
    return Json{{"video_id", accepted.video.str()},
                {"job_id", accepted.job.str()},
                {"duplicate", accepted.duplicate}};
  }

  // Somebody else's worker is preferred; when there is none, or it died, this command does the
  // work.
  Status KeepWorking() override {
    if (worker_) return worker_->Check();
    NRL_TRY(const int live, store_->queue().CountLiveWorkers());
    if (live == 0) worker_.emplace(*store_);
    return {};
  }

  std::string WhoWorks() const override {
    return fmt::format("a running up, or narralytica work {}, processes them", store_->flags());
  }

  std::chrono::milliseconds poll_every() const override { return kPoll; }

  Result<Json> Video(const VideoId& video) override {
    return Read([&](access::Tx& tx) -> Result<Json> {
      NRL_TRY(media::Video found, media::GetVideo(tx, video));
      NRL_TRY(const auto view, api::LoadVideoView(tx, store_->queue(), std::move(found)));
      return api::VideoJson(view, store_->environment().clock.Now());
    });
  }

  Result<Json> Search(const search::SearchRequest& request) override {
    std::optional<EngineSupervisor> engine;
    if (request.mode != search::Mode::kLexical) {
      engine.emplace(EngineOptions(*store_), store_->log());
      const Status ready = engine->WaitReady(Deadline::Never(stop_));
      if (!ready) store_->log().Error("searching without the engine", ready.error());
    }
    platform::EngineClient client(store_->engine_socket());
    index::EngineEmbedder embedder(client, kEmbeddingModel);
    transcript::WordCache words;
    NRL_TRY(const auto reply,
            api::RunSearch({store_->database(), store_->objects(), store_->index(), embedder, words,
                            store_->environment()},
                           store_->scope(), request, Deadline::In(kSearchTimeout, stop_)));
    return Json(search::ToJson(reply));
  }

  Result<std::string> Transcript(const VideoId& video, const std::string& format) override {
    NRL_TRY(const auto loaded,
            api::LoadTranscript({store_->database(), store_->objects()}, store_->scope(), video));
    return api::FormatTranscript(loaded, format);
  }

  Result<Json> Speakers(const VideoId& video) override {
    NRL_TRY(const auto loaded, Read([&](access::Tx& tx) { return api::LoadSpeakers(tx, video); }));
    return api::SpeakersJson(loaded);
  }

  Result<std::string> SpeakersRttm(const VideoId& video) override {
    NRL_TRY(const auto loaded, Read([&](access::Tx& tx) { return api::LoadSpeakers(tx, video); }));
    return api::SpeakersRttm(loaded);
  }

  Status SaveArtifact(const VideoId& video, const std::string& kind,
                      const std::string& path) override {
    NRL_TRY(const auto artifact,
            Read([&](access::Tx& tx) { return media::ArtifactOf(tx, video, kind); }));
    return CopyObject(*store_, artifact.object.key, path);
  }

  Result<Json> Jobs(const jobs::JobFilter& filter, int limit) override {
    return Read([&](access::Tx& tx) {
      return ReadPages(
          limit, [&](const access::PageRequest& page) { return jobs::ListJobs(tx, filter, page); },
          api::JobJson);
    });
  }

  Result<Json> Job(const JobId& job) override {
    NRL_TRY(const auto found, Read([&](access::Tx& tx) { return store_->queue().Get(tx, job); }));
    return api::JobJson(found);
  }

  Result<Json> ChangeJob(const JobId& job, const std::string& action) override {
    platform::Metrics metrics;
    const api::JobChangeParts parts{store_->database(), store_->queue(), metrics,
                                    store_->environment()};
    const auto change = action == "cancel" ? api::JobChange::kCancel : api::JobChange::kRetry;
    NRL_TRY(const auto changed,
            Write([&](access::Tx& tx) { return api::ChangeJob(tx, parts, job, change); }));
    return api::JobJson(changed);
  }

  Result<Json> Redrive(const jobs::DeadLetterFilter& filter, int limit) override {
    platform::Metrics metrics;
    const api::JobChangeParts parts{store_->database(), store_->queue(), metrics,
                                    store_->environment()};
    NRL_TRY(const auto redriven, api::RedriveDeadLetters(store_->scope(), parts, filter, limit));
    return api::RedrivenJson(redriven);
  }

  Result<Json> Keys(int limit) override {
    return Read([&](access::Tx& tx) {
      return ReadPages(
          limit, [&](const access::PageRequest& page) { return access::ListKeys(tx, page); },
          api::KeyJson);
    });
  }

  Result<Json> CreateKey(const access::NewKey& wanted) override {
    NRL_TRY(const auto created, Write([&](access::Tx& tx) {
              return access::CreateKey(tx, wanted, store_->environment());
            }));
    return api::CreatedKeyJson(created);
  }

  Status RevokeKey(const KeyId& key) override {
    return Write([&](access::Tx& tx) {
      return access::RevokeKey(tx, key, store_->environment().clock.Now());
    });
  }

  Result<Json> Feeds(int limit) override {
    return Read([&](access::Tx& tx) {
      return ReadPages(
          limit, [&](const access::PageRequest& page) { return source::ListFeeds(tx, page); },
          api::SourceJson);
    });
  }

  Result<Json> AddFeed(const source::Feed& wanted) override {
    NRL_TRY(const source::Dialer dialer, source::Dialer::Create(store_->config().fetch));
    source::Feed feed = wanted;
    NRL_TRY(feed.locator, source::CheckLocator(dialer, store_->config().feeds, wanted));
    NRL_TRY(const auto created, Write([&](access::Tx& tx) {
              return source::CreateFeed(tx, feed, store_->environment());
            }));
    return api::SourceJson(created);
  }

  Status RemoveFeed(const FeedId& feed) override {
    return Write([&](access::Tx& tx) { return source::DeleteFeed(tx, feed); });
  }

  Result<Json> PollFeed(const FeedId& feed) override {
    NRL_TRY(const auto due, Write([&](access::Tx& tx) -> Result<source::Feed> {
              NRL_CHECK(source::MakeDue(tx, feed, store_->environment().clock.Now()));
              return source::GetFeed(tx, feed);
            }));
    return api::SourceJson(due);
  }

 private:
  Result<media::Accepted> Accept(media::IntakeRequest request, const IntakeProgress& progress) {
    const media::Intake intake(
        {store_->database(), store_->objects(), store_->queue(), store_->environment()},
        store_->config().intake);
    if (request.kind == "upload") {
      const auto storing = [&](int64_t done, int64_t total) { progress("storing", done, total); };
      return intake.AcceptFile(store_->scope(), request, {storing, {}, {}});
    }
    NRL_TRY(const source::Dialer dialer, source::Dialer::Create(store_->config().fetch));
    NRL_TRY(const platform::Url url, dialer.CheckUrl(request.locator));
    if (request.kind == "youtube") {
      NRL_CHECK(
          source::VideoSites(store_->config().sites, platform::ProgramPath()).CheckInstalled());
    }
    request.locator = url.text;
    return intake.AcceptUrl(store_->scope(), request, {});
  }

  const std::unique_ptr<Installation> store_;
  const std::stop_token stop_;
  std::optional<BorrowedWorker> worker_;  // ends before the store does
};

}  // namespace

std::unique_ptr<Backend> MakeLocalBackend(std::unique_ptr<Installation> store,
                                          std::stop_token stop) {
  return std::make_unique<LocalBackend>(std::move(store), std::move(stop));
}

}  // namespace narralytica::app
