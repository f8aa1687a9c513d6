// `ingest`: takes recordings in and, with --wait, follows them until they can be searched.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "app/cli.hpp"
#include "app/model_catalog.hpp"
#include "app/progress_line.hpp"
#include "app/work.hpp"
#include "jobs/pipeline.hpp"
#include "media/intake.hpp"
#include "source/dialer.hpp"
#include "transcript/transcribe_stage.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::milliseconds kPoll{200};
constexpr double kEtaFractionMin = 0.02;

struct IngestOptions {
  CommonOptions common;
  std::vector<std::string> paths;
  std::string wait;  // "", "searchable" or "all"
  bool video_site = false;
  std::string title, external_id, language, model, published_at;
};

// One input, from the command line to its end.
struct Input {
  std::string path;
  std::optional<media::Accepted> accepted;
  std::optional<Error> error;
  std::vector<jobs::Job> jobs;  // as last seen
  std::string status;           // of the video, as last seen
  bool told = false;            // its end was told to the person
};

// The error of the job that kept the video from being complete.
std::optional<Error> FailureOf(const std::vector<jobs::Job>& jobs) {
  for (const jobs::Job& job : jobs) {
    if (job.status == jobs::JobStatus::kFailed && job.error) {
      return Error{ErrorCodeFromString(job.error->code).value_or(ErrorCode::kInternal),
                   job.error->message,
                   job.error->hint,
                   {},
                   job.error->reason};
    }
    if (job.status == jobs::JobStatus::kCanceled) {
      return Error{
          ErrorCode::kCanceled, "canceled", "narralytica jobs retry starts it again", {}, {}};
    }
  }
  return std::nullopt;
}

bool IsDeadLetter(const std::vector<jobs::Job>& jobs) {
  return std::ranges::any_of(jobs, [](const jobs::Job& job) { return job.dead_letter; });
}

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

Result<media::IntakeRequest> RequestFor(const Installation& store, const IngestOptions& options,
                                        const std::string& path) {
  NRL_CHECK(CheckModel(store, options.model));
  media::IntakeRequest request;
  if (path.starts_with("http://") || path.starts_with("https://")) {
    NRL_TRY(const source::Dialer dialer, source::Dialer::Create(store.config().fetch));
    NRL_TRY(const platform::Url url, dialer.CheckUrl(path));
    request.kind = options.video_site ? "youtube" : "external_url";
    const source::VideoSites sites(store.config().sites, platform::ProgramPath());
    if (options.video_site) NRL_CHECK(sites.CheckInstalled());
    request.locator = url.text;
  } else {
    request.path = path;
  }
  request.title = options.title;
  request.external_id = options.external_id;
  request.language = options.language;
  request.model = options.model;
  if (!options.published_at.empty()) {
    NRL_TRY(request.published_at, ParseRfc3339(options.published_at));
  }
  return request;
}

// The stage that is running now, for people.
std::string CurrentStage(const std::vector<jobs::Job>& jobs) {
  for (const jobs::Job& job : jobs) {
    if (job.status == jobs::JobStatus::kRunning) {
      return job.progress_stage.empty() ? job.stage.Label() : job.progress_stage;
    }
  }
  return "waiting";
}

std::optional<int64_t> EtaMs(const std::vector<jobs::Job>& jobs, double fraction) {
  const auto first = std::ranges::min_element(jobs, {}, &jobs::Job::id);
  if (fraction < kEtaFractionMin || first == jobs.end() || !first->started_at) return std::nullopt;
  const int64_t elapsed_ms = SystemEnvironment().clock.Now().value - first->started_at->value;
  return static_cast<int64_t>(static_cast<double>(elapsed_ms) * (1 - fraction) / fraction);
}

// A worker inside this command, for as long as nobody else does the work.
class BorrowedWorker {
 public:
  explicit BorrowedWorker(Installation& store)
      : thread_([this, &store](const std::stop_token& stop) {
          outcome_ = RunWorker(store, stop, false);
          ended_ = true;
        }) {}
  bool ended() const { return ended_; }
  Status Stop() {
    thread_.request_stop();
    thread_.join();
    const bool stopped = !outcome_ && outcome_.error().code == ErrorCode::kCanceled;
    return stopped ? Status{} : outcome_;
  }

 private:
  Status outcome_;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

class Ingest {
 public:
  Ingest(Installation& store, const IngestOptions& options, std::stop_token stop)
      : store_(store), options_(options), stop_(std::move(stop)) {}

  // What became of every input, in order; an error when waiting was not possible.
  Result<std::vector<Input>> Run() {
    for (const std::string& path : options_.paths) Accept(path);
    if (std::ranges::none_of(inputs_, [](const Input& i) { return i.accepted.has_value(); })) {
      return std::move(inputs_);
    }
    if (options_.wait.empty()) {
      NRL_CHECK(Refresh());
      line_.Finish(
          fmt::format("accepted; a running up, or narralytica work {}, processes"
                      " them; narralytica jobs shows how far they are",
                      store_.flags()));
      return std::move(inputs_);
    }
    const Status waited = Wait();
    if (worker_) NRL_CHECK(worker_->Stop());
    NRL_CHECK(waited);
    return std::move(inputs_);
  }

 private:
  void Accept(const std::string& path) {
    media::Intake intake(
        {store_.database(), store_.objects(), store_.queue(), store_.environment()},
        store_.config().intake);
    const auto storing = [&](int64_t done, int64_t total) {
      line_.Show(path, static_cast<double>(done) / static_cast<double>(total), "storing",
                 std::nullopt);
    };
    Input input{.path = path, .accepted = {}, .error = {}, .jobs = {}, .status = "failed"};
    const auto request = RequestFor(store_, options_, path);
    const auto accept = [&]() -> Result<media::Accepted> {
      if (!request) return Fail(request);
      if (request->kind != "upload") return intake.AcceptUrl(store_.scope(), *request, {});
      return intake.AcceptFile(store_.scope(), *request, {storing, {}, {}});
    };
    const auto accepted = accept();
    if (accepted) {
      input.accepted = *accepted;
      input.status = "queued";
    } else {
      input.error = accepted.error();
      line_.Finish(fmt::format("{}: {}", path, accepted.error().Describe()));
    }
    inputs_.push_back(std::move(input));
  }

  Status Refresh() {
    return access::Read(store_.database(), store_.scope(), [&](access::Tx& tx) -> Status {
      for (Input& input : inputs_) {
        if (!input.accepted) continue;
        NRL_TRY(input.jobs, store_.queue().OfVideo(tx, input.accepted->video));
        NRL_TRY(const media::Video video, media::GetVideo(tx, input.accepted->video));
        input.status = video.status;
        if (video.id == input.accepted->video) continue;
        // What was fetched turned out to be there already.
        input.accepted->video = video.id;
        input.accepted->duplicate = true;
        NRL_TRY(input.jobs, store_.queue().OfVideo(tx, video.id));
      }
      return {};
    });
  }

  Status Wait() {
    while (true) {
      // Asked before the look, so that what the worker did last is seen.
      const bool worker_ended = worker_ && worker_->ended();
      NRL_CHECK(Refresh());
      TellEnds();
      const auto open = std::ranges::find_if(inputs_, [&](const Input& i) { return !Done(i); });
      if (open == inputs_.end()) return {};
      NRL_CHECK(EnsureWorker());
      if (worker_ended) return Fail(ErrorCode::kUnavailable, "the worker ended before the work");
      if (stop_.stop_requested()) {
        return Fail(ErrorCode::kCanceled, "stopped waiting; the accepted recordings are kept",
                    fmt::format("narralytica work {} goes on with them", store_.flags()));
      }
      const double fraction = jobs::OverallProgress(open->jobs);
      line_.Show(open->path, fraction, CurrentStage(open->jobs), EtaMs(open->jobs, fraction));
      std::this_thread::sleep_for(kPoll);
    }
  }

  // Somebody else's worker is preferred; when there is none, or it died, this command does the
  // work.
  Status EnsureWorker() {
    if (worker_) return {};
    NRL_TRY(const int live, store_.queue().CountLiveWorkers());
    if (live == 0) worker_.emplace(store_);
    return {};
  }

  bool Done(const Input& input) const {
    if (!input.accepted || jobs::HasSettled(input.jobs)) return true;
    return options_.wait != "all" && jobs::IsSearchable(input.jobs);
  }

  // A line for each input that has come to its end since the last look.
  void TellEnds() {
    for (Input& input : inputs_) {
      if (input.told || !input.accepted || !Done(input)) continue;
      const auto failure = FailureOf(input.jobs);
      line_.Finish(fmt::format("{}: {}{}", input.path, input.status,
                               failure ? ": " + failure->Describe() : ""));
      input.told = true;
    }
  }

  Installation& store_;
  const IngestOptions& options_;
  const std::stop_token stop_;
  ProgressLine line_;
  std::vector<Input> inputs_;
  std::optional<BorrowedWorker> worker_;
};

Json ResultJson(const Input& input) {
  Json item{{"path", input.path}, {"video_id", nullptr},
            {"job_id", nullptr},  {"status", input.status},
            {"duplicate", false}, {"dead_letter", IsDeadLetter(input.jobs)},
            {"error", nullptr}};
  if (input.accepted) {
    item["video_id"] = input.accepted->video.str();
    item["job_id"] = input.accepted->job.str();
    item["duplicate"] = input.accepted->duplicate;
  }
  auto error = input.error;
  if (!error) error = FailureOf(input.jobs);
  if (error) item["error"] = ErrorJson(*error);
  return item;
}

int Report(const std::vector<Input>& inputs, bool json) {
  bool failed = false;
  Json items = Json::array();
  for (const Input& input : inputs) {
    items.push_back(ResultJson(input));
    failed |= input.error.has_value() || input.status == "failed";
    if (!json && input.accepted) {
      fmt::print("{}  {}{}  {}\n", input.accepted->video.str(), input.status,
                 input.accepted->duplicate ? " (already known)" : "", input.path);
    }
  }
  if (json) PrintJson(items);
  return failed ? kSomeFailed : kDone;
}

int Run(const IngestOptions& options) {
  SignalStop stop;
  const auto store = OpenInstallation(options.common, "ingest");
  if (!store) return FailCommand(store.error(), options.common.json);
  const auto inputs = Ingest(**store, options, stop.token()).Run();
  if (!inputs) return FailCommand(inputs.error(), options.common.json);
  return Report(*inputs, options.common.json);
}

}  // namespace

void AddIngestCommand(CommandSet& commands) {
  auto options = std::make_shared<IngestOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "ingest", "take recordings in (exit 3: some failed, each with its error)");
  AddCommonOptions(*command, options->common);
  command->add_option("paths", options->paths, "video or audio files, or http(s) addresses of some")
      ->required();
  command
      ->add_flag("--wait{searchable}", options->wait,
                 "wait until searchable, or with =all until every default layer is there")
      ->check(CLI::IsMember({"searchable", "all"}));
  command->add_flag("--video-site", options->video_site,
                    "fetch the addresses with yt-dlp, from pages that show recordings");
  command->add_option("--title", options->title, "title; the file name without it");
  command->add_option("--external-id", options->external_id,
                      "your id: ingesting it again gives the same video");
  command->add_option("--language", options->language, "language code; recognised without it");
  command->add_option("--model", options->model,
                      "recognition model: base, small-en, or one of narralytica models");
  command->add_option("--published-at", options->published_at, "date or RFC 3339 time");
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
