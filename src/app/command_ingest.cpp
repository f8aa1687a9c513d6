// `ingest`: takes recordings in and, with --wait, follows them until they can be searched.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "app/cli.hpp"
#include "app/progress_line.hpp"
#include "app/work.hpp"
#include "jobs/pipeline.hpp"
#include "media/intake.hpp"
#include "platform/file.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::milliseconds kPoll{200};

struct IngestOptions {
  CommonOptions common;
  std::vector<std::string> paths;
  std::string wait;  // "", "searchable" or "all"
  std::string title, external_id, language, model, published_at;
};

// One input, from the command line to its end.
struct Input {
  std::string path;
  std::optional<media::Accepted> accepted;
  std::optional<Error> error;
  std::vector<jobs::Job> jobs;  // as last seen
  std::string status;           // of the video, as last seen

  bool Done(bool all) const {
    if (!accepted || jobs::HasSettled(jobs)) return true;
    return !all && jobs::IsSearchable(jobs);
  }
};

// The error of the job that kept the video from being complete.
std::optional<Error> FailureOf(const std::vector<jobs::Job>& jobs) {
  for (const jobs::Job& job : jobs) {
    if (job.status == jobs::JobStatus::kFailed && job.error) {
      return Error{ErrorCodeFromString(job.error->code).value_or(ErrorCode::kInternal),
                   job.error->message, job.error->hint, {}, job.error->reason};
    }
    if (job.status == jobs::JobStatus::kCanceled) {
      return Error{ErrorCode::kCanceled, "canceled", "narralytica jobs retry starts it again", {},
                   {}};
    }
  }
  return std::nullopt;
}

bool IsDeadLetter(const std::vector<jobs::Job>& jobs) {
  return std::ranges::any_of(jobs, [](const jobs::Job& job) { return job.dead_letter; });
}

Result<media::IntakeRequest> RequestFor(const IngestOptions& options, const std::string& path) {
  media::IntakeRequest request;
  request.path = path;
  request.title = options.title;
  request.external_id = options.external_id;
  request.language = options.language;
  request.model = options.model;
  if (!options.published_at.empty()) {
    NRL_TRY(request.published_at, ParseRfc3339(options.published_at));
  }
  return request;
}

std::vector<Input> AcceptAll(Installation& store, const IngestOptions& options,
                             ProgressLine& line) {
  media::Intake intake(store.database(), store.objects(), store.queue(), store.environment(),
                       store.config().intake);
  std::vector<Input> inputs;
  for (const std::string& path : options.paths) {
    Input input{.path = path, .accepted = {}, .error = {}, .jobs = {}, .status = "failed"};
    const auto request = RequestFor(options, path);
    const auto accepted =
        request ? intake.AcceptFile(store.scope(), *request,
                                    [&](int64_t done, int64_t total) {
                                      line.Show(path, static_cast<double>(done) /
                                                          static_cast<double>(total),
                                                "storing", std::nullopt);
                                    })
                : Result<media::Accepted>(Fail(request));
    if (accepted) {
      input.accepted = *accepted;
      input.status = "queued";
    } else {
      input.error = accepted.error();
      line.Finish(fmt::format("{}: {}", path, accepted.error().Describe()));
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Status Refresh(Installation& store, std::vector<Input>& inputs) {
  return access::Read(store.database(), store.scope(), [&](access::Tx& tx) -> Status {
    for (Input& input : inputs) {
      if (!input.accepted) continue;
      NRL_TRY(input.jobs, store.queue().OfVideo(tx, input.accepted->video));
      NRL_TRY(const media::Video video, media::GetVideo(tx, input.accepted->video));
      input.status = video.status;
    }
    return {};
  });
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

void ShowProgress(const std::vector<Input>& inputs, bool all, ProgressLine& line) {
  for (const Input& input : inputs) {
    if (input.Done(all)) continue;
    const auto started = std::ranges::min_element(input.jobs, {}, &jobs::Job::id);
    const double fraction = jobs::OverallProgress(input.jobs);
    std::optional<int64_t> eta_ms;
    if (fraction > 0.02 && started != input.jobs.end() && started->started_at) {
      const auto now = SystemEnvironment().clock.Now();
      const auto elapsed_ms = static_cast<double>(now.value - started->started_at->value);
      eta_ms = static_cast<int64_t>(elapsed_ms * (1 - fraction) / fraction);
    }
    line.Show(input.path, fraction, CurrentStage(input.jobs), eta_ms);
    return;
  }
}

Status WaitForAll(Installation& store, std::vector<Input>& inputs, bool all,
                  const std::stop_token& stop, ProgressLine& line) {
  std::vector<bool> told(inputs.size(), false);
  while (true) {
    NRL_CHECK(Refresh(store, inputs));
    bool open = false;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool done = inputs[i].Done(all);
      open |= !done;
      if (done && !told[i] && inputs[i].accepted) {
        const auto failure = FailureOf(inputs[i].jobs);
        line.Finish(fmt::format("{}: {}{}", inputs[i].path, inputs[i].status,
                                failure ? ": " + failure->Describe() : ""));
        told[i] = true;
      }
    }
    if (!open) return {};
    if (stop.stop_requested()) {
      return Fail(ErrorCode::kCanceled, "stopped waiting; the accepted recordings are kept",
                  fmt::format("narralytica work --data {} goes on with them", store.folder()));
    }
    ShowProgress(inputs, all, line);
    std::this_thread::sleep_for(kPoll);
  }
}

Json ResultJson(const Input& input) {
  Json item{{"path", input.path},
            {"video_id", nullptr},
            {"job_id", nullptr},
            {"status", input.status},
            {"duplicate", false},
            {"dead_letter", IsDeadLetter(input.jobs)},
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
  auto opened = OpenInstallation(options.common, "ingest");
  if (!opened) return FailCommand(opened.error(), options.common.json);
  Installation& store = **opened;
  ProgressLine line;
  std::vector<Input> inputs = AcceptAll(store, options, line);
  const bool any = std::ranges::any_of(inputs, [](const Input& i) { return i.accepted; });
  if (!any) return Report(inputs, options.common.json);
  if (options.wait.empty()) {
    const Status seen = Refresh(store, inputs);
    if (!seen) return FailCommand(seen.error(), options.common.json);
    line.Finish(fmt::format("accepted; narralytica work --data {} (or a running up) processes"
                            " them, narralytica jobs shows how far they are",
                            store.folder()));
    return Report(inputs, options.common.json);
  }
  const auto live = store.queue().CountLiveWorkers();
  if (!live) return FailCommand(live.error(), options.common.json);
  std::jthread worker;
  std::optional<Status> worker_outcome;
  if (*live == 0) {
    worker = std::jthread(
        [&](std::stop_token token) { worker_outcome = RunWorker(store, std::move(token), false); });
  }
  const Status waited =
      WaitForAll(store, inputs, options.wait == "all", stop.token(), line);
  if (worker.joinable()) {
    worker.request_stop();
    worker.join();
    if (!*worker_outcome) return FailCommand(worker_outcome->error(), options.common.json);
  }
  if (!waited) return FailCommand(waited.error(), options.common.json);
  return Report(inputs, options.common.json);
}

}  // namespace

void AddIngestCommand(CommandSet& commands) {
  auto options = std::make_shared<IngestOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "ingest", "take recordings in (exit 3: some failed, each with its error)");
  AddCommonOptions(*command, options->common);
  command->add_option("paths", options->paths, "video or audio files")->required();
  command
      ->add_option("--wait", options->wait,
                   "wait until searchable, or with =all until every default layer is there")
      ->expected(0, 1)
      ->default_str("searchable")
      ->check(CLI::IsMember({"searchable", "all"}));
  command->add_option("--title", options->title, "title; the file name without it");
  command->add_option("--external-id", options->external_id,
                      "your id: ingesting it again gives the same video");
  command->add_option("--language", options->language, "language code; recognised without it");
  command->add_option("--model", options->model, "recognition model: base or small-en");
  command->add_option("--published-at", options->published_at, "date or RFC 3339 time");
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
