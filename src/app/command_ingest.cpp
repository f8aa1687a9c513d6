// `ingest`: takes recordings in and, with --wait, follows them until they can be searched.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "app/backend.hpp"
#include "app/progress_line.hpp"

namespace narralytica::app {
namespace {

using std::chrono::steady_clock;

struct IngestOptions {
  CommonOptions common;
  std::vector<std::string> paths;
  std::string wait;  // "", "searchable" or "all"
  bool video_site = false;
  std::string title, external_id, language, model, published_at;
  std::optional<int64_t> speakers_min, speakers_max;
};

// One input, from the command line to its end.
struct Input {
  std::string path;
  std::optional<Error> error;  // of taking it in
  Json accepted;               // null when it was not
  Json video;                  // as last seen
  bool dead_letter = false;
  bool told = false;  // its end was told to the person

  bool is_accepted() const { return !accepted.is_null(); }
  VideoId id() const { return VideoId::FromTrusted(accepted.at("video_id")); }
  std::string status() const { return video.is_null() ? "failed" : video.at("status"); }
};

std::string TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool AnyStage(const Json& video, const auto& condition) {
  return std::ranges::any_of(video.at("stages"), condition);
}

bool IsSearchable(const Json& video) {
  return AnyStage(video, [](const Json& stage) {
    return stage.at("type") == "index" && stage.at("status") == "succeeded";
  });
}

// Nothing of it is queued or running.
bool HasSettled(const Json& video) {
  return !AnyStage(video, [](const Json& stage) {
    return stage.at("status") == "queued" || stage.at("status") == "running";
  });
}

// Why the recording is not complete, as the command line contract has errors; null when it is.
Json FailureOf(const Input& input) {
  if (input.error) return ErrorJson(*input.error);
  const Json error = input.video.is_null() ? Json() : input.video.at("error");
  if (error.is_null()) return nullptr;
  return {{"code", TextOf(error, "code")},
          {"message", TextOf(error, "message")},
          {"hint", TextOf(error.at("details"), "hint")}};
}

Result<media::IntakeRequest> RequestFor(const IngestOptions& options, const std::string& path) {
  media::IntakeRequest request;
  if (path.starts_with("http://") || path.starts_with("https://")) {
    request.kind = options.video_site ? "youtube" : "external_url";
    request.locator = path;
  } else {
    request.path = path;
  }
  request.title = options.title;
  request.external_id = options.external_id;
  request.language = options.language;
  request.model = options.model;
  request.speakers_min = options.speakers_min;
  request.speakers_max = options.speakers_max;
  if (!options.published_at.empty()) {
    NRL_TRY(request.published_at, ParseRfc3339(options.published_at));
  }
  return request;
}

class Ingest {
 public:
  Ingest(Backend& backend, const IngestOptions& options, std::stop_token stop)
      : backend_(backend), options_(options), stop_(std::move(stop)) {}

  // What became of every input, in order; an error when waiting was not possible.
  Result<std::vector<Input>> Run() {
    NRL_CHECK(backend_.CheckIntake());
    for (const std::string& path : options_.paths) Accept(path);
    NRL_CHECK(Look());
    if (std::ranges::any_of(inputs_, &Input::is_accepted)) {
      if (options_.wait.empty()) {
        line_.Finish(fmt::format("accepted; {}; narralytica jobs shows how far they are",
                                 backend_.WhoWorks()));
      } else {
        NRL_CHECK(Wait());
      }
    }
    NRL_CHECK(FindDeadLetters());
    return std::move(inputs_);
  }

 private:
  void Accept(const std::string& path) {
    const auto started = steady_clock::now();
    int64_t first = -1;  // where an earlier attempt stood: what the time is measured from
    const auto progress = [&](std::string_view stage, int64_t done, int64_t total) {
      if (first < 0) first = done;
      std::optional<int64_t> eta_ms;
      if (done > first) {
        const std::chrono::duration<double, std::milli> spent = steady_clock::now() - started;
        eta_ms = static_cast<int64_t>(spent.count() * static_cast<double>(total - done) /
                                      static_cast<double>(done - first));
      }
      line_.Show(path, static_cast<double>(done) / static_cast<double>(total), stage, eta_ms);
    };
    Input input{.path = path, .error = {}, .accepted = {}, .video = {}};
    const auto request = RequestFor(options_, path);
    auto accepted = request ? backend_.Ingest(*request, progress) : Result<Json>(Fail(request));
    if (accepted) {
      input.accepted = std::move(*accepted);
    } else {
      input.error = accepted.error();
      line_.Finish(fmt::format("{}: {}", path, accepted.error().Describe()));
    }
    inputs_.push_back(std::move(input));
  }

  // Looks at what has not come to its end yet.
  Status Look() {
    for (Input& input : inputs_) {
      if (!input.is_accepted() || input.told) continue;
      NRL_TRY(input.video, backend_.Video(input.id()));
      if (input.video.at("video_id") == input.accepted.at("video_id")) continue;
      // What was fetched turned out to be there already.
      input.accepted["video_id"] = input.video.at("video_id");
      input.accepted["duplicate"] = true;
    }
    return {};
  }

  Status Wait() {
    Status working;
    while (true) {
      TellEnds();
      const auto open = std::ranges::find_if(inputs_, [&](const Input& i) { return !Done(i); });
      if (open == inputs_.end()) return {};
      NRL_CHECK(working);
      const Json& progress = open->video.at("progress");
      const Json& eta = progress.at("eta_ms");
      const std::string stage = TextOf(progress, "stage");
      line_.Show(open->path, progress.at("fraction").get<double>(),
                 stage.empty() ? "waiting" : stage,
                 eta.is_number() ? std::optional(eta.get<int64_t>()) : std::nullopt);
      NRL_CHECK(Pause());
      // Asked before the look, so that what the worker did last is seen.
      working = backend_.KeepWorking();
      NRL_CHECK(Look());
    }
  }

  Status Pause() {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop_, backend_.poll_every(), [] { return false; });
    if (!stop_.stop_requested()) return {};
    return Fail(ErrorCode::kCanceled, "stopped waiting; the accepted recordings are kept",
                backend_.WhoWorks());
  }

  bool Done(const Input& input) const {
    if (!input.is_accepted() || HasSettled(input.video)) return true;
    return options_.wait != "all" && IsSearchable(input.video);
  }

  // A line for each input that has come to its end since the last look.
  void TellEnds() {
    for (Input& input : inputs_) {
      if (input.told || !input.is_accepted() || !Done(input)) continue;
      const Json failure = FailureOf(input);
      line_.Finish(fmt::format("{}: {}{}", input.path, input.status(),
                               failure.is_null() ? "" : ": " + TextOf(failure, "message")));
      input.told = true;
    }
  }

  Status FindDeadLetters() {
    for (Input& input : inputs_) {
      if (input.video.is_null() || input.video.at("error").is_null()) continue;
      NRL_TRY(const Json jobs, backend_.Jobs({{}, {}, input.id()}, access::kPageLimitMax));
      input.dead_letter =
          std::ranges::any_of(jobs, [](const Json& job) { return job.at("dead_letter") == true; });
    }
    return {};
  }

  Backend& backend_;
  const IngestOptions& options_;
  const std::stop_token stop_;
  ProgressLine line_;
  std::vector<Input> inputs_;
};

Json ResultJson(const Input& input) {
  const Json none = Json::object();
  const Json& accepted = input.is_accepted() ? input.accepted : none;
  return {{"path", input.path},
          {"video_id", accepted.value("video_id", Json())},
          {"job_id", accepted.value("job_id", Json())},
          {"status", input.status()},
          {"duplicate", accepted.value("duplicate", false)},
          {"dead_letter", input.dead_letter},
          {"error", FailureOf(input)}};
}

int Report(const std::vector<Input>& inputs, bool json) {
  bool failed = false;
  Json items = Json::array();
  for (const Input& input : inputs) {
    items.push_back(ResultJson(input));
    failed |= input.error.has_value() || input.status() == "failed";
    if (!json && input.is_accepted()) {
      fmt::print("{}  {}{}  {}\n", input.id().str(), input.status(),
                 items.back()["duplicate"] == true ? " (already known)" : "", input.path);
    }
  }
  if (json) PrintJson(items);
  return failed ? kSomeFailed : kDone;
}

Status CheckSpeakerCount(const IngestOptions& options) {
  if (options.speakers_min.value_or(1) <= options.speakers_max.value_or(media::kSpeakersMax)) {
    return {};
  }
  return Fail(ErrorCode::kInvalid, "--speakers-min is more than --speakers-max",
              "give the smaller number first");
}

int Run(const IngestOptions& options) {
  const Status count = CheckSpeakerCount(options);
  if (!count) return FailCommand(count.error(), options.common.json);
  SignalStop stop;
  const auto backend = OpenBackend(options.common, "ingest", stop.token());
  if (!backend) return FailCommand(backend.error(), options.common.json);
  const auto inputs = Ingest(**backend, options, stop.token()).Run();
  if (!inputs) return FailCommand(inputs.error(), options.common.json);
  return Report(*inputs, options.common.json);
}

}  // namespace

void AddIngestCommand(CommandSet& commands) {
  auto options = std::make_shared<IngestOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "ingest", "take recordings in (exit 3: some failed, each with its error)");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
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
  const CLI::Range speakers(int64_t{1}, media::kSpeakersMax);
  command->add_option("--speakers-min", options->speakers_min, "at least so many people speak")
      ->check(speakers);
  command->add_option("--speakers-max", options->speakers_max, "at most so many people speak")
      ->check(speakers);
  command->add_option("--published-at", options->published_at, "date or RFC 3339 time");
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
