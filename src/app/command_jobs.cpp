// `jobs`: lists jobs, shows, cancels and retries one; starts dead letters again.
#include <fmt/format.h>

#include "app/backend.hpp"

namespace narralytica::app {
namespace {

constexpr int kJobsMax = 1'000;

struct JobsOptions {
  CommonOptions common;
  std::string action = "list";
  std::string id;
  std::string status, video, code, type;
  int limit = 50;
};

Result<Json> Do(Backend& backend, const JobsOptions& options) {
  if (options.id.empty()) {
    jobs::JobFilter filter;
    if (!options.status.empty()) filter.statuses = {options.status};
    if (!options.video.empty()) {
      NRL_TRY(filter.video, VideoId::Parse(options.video));
    }
    return backend.Jobs(filter, options.limit);
  }
  NRL_TRY(const JobId id, JobId::Parse(options.id));
  const bool changes = options.action == "cancel" || options.action == "retry";
  NRL_TRY(Json job, changes ? backend.ChangeJob(id, options.action) : backend.Job(id));
  Json found = Json::array();
  found.push_back(std::move(job));
  return found;
}

void PrintTable(const Json& found) {
  if (found.empty()) Note("no jobs");
  for (const Json& job : found) {
    const Json& kind = job.at("kind");
    const std::string type = job.at("type");
    fmt::print("{}  {:<9}  {:<16}  {:>3.0f} %  {}\n", job.at("id").get<std::string>(),
               job.at("status").get<std::string>(),
               kind.is_null() ? type : type + ":" + kind.get<std::string>(),
               job.at("progress").at("fraction").get<double>() * 100,
               job.at("updated_at").get<std::string>());
    const Json& error = job.at("error");
    if (error.is_null()) continue;
    fmt::print("    {}: {}\n", error.at("code").get<std::string>(),
               error.at("message").get<std::string>());
    const std::string hint = error.at("details").value("hint", "");
    if (!hint.empty()) fmt::print("    do: {}\n", hint);
  }
}

int RunRedrive(Backend& backend, const JobsOptions& options) {
  const auto done = backend.Redrive({options.code, options.type}, options.limit);
  if (!done) return FailCommand(done.error(), options.common.json);
  if (options.common.json) {
    PrintJson(*done);
    return kDone;
  }
  for (const Json& id : done->at("job_ids")) fmt::print("{}\n", id.get<std::string>());
  Note(fmt::format("{} started again, {} left as they are", done->at("redriven").get<int>(),
                   done->at("skipped").get<int>()));
  return kDone;
}

int Run(const JobsOptions& options) {
  SignalStop stop;
  const bool redrives = options.action == "redrive";
  if (options.action != "list" && !redrives && options.id.empty()) {
    return FailCommand({ErrorCode::kInvalid,
                        "which job?",
                        fmt::format("write: narralytica jobs {} JOB", options.action),
                        {},
                        {}},
                       options.common.json);
  }
  const auto backend = OpenBackend(options.common, "jobs", stop.token());
  if (!backend) return FailCommand(backend.error(), options.common.json);
  if (redrives) return RunRedrive(**backend, options);
  const auto found = Do(**backend, options);
  if (!found) return FailCommand(found.error(), options.common.json);
  if (options.common.json) {
    PrintJson({{"items", *found}});
  } else {
    PrintTable(*found);
  }
  return kDone;
}

}  // namespace

void AddJobsCommand(CommandSet& commands) {
  auto options = std::make_shared<JobsOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "jobs", "list jobs; show, cancel or retry one; redrive dead letters");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
  command->add_option("action", options->action, "list, show, cancel, retry or redrive")
      ->check(CLI::IsMember({"list", "show", "cancel", "retry", "redrive"}))
      ->capture_default_str();
  command->add_option("job", options->id, "id of a job");
  command->add_option("--status", options->status, "only those in this status")
      ->check(CLI::IsMember({"queued", "running", "succeeded", "failed", "canceled"}));
  command->add_option("--video", options->video, "only those of this video");
  command->add_option("--code", options->code,
                      "redrive: only what failed with this code or reason");
  command->add_option("--type", options->type, "redrive: only jobs of this stage")
      ->check(CLI::IsMember({"ingest", "transcribe", "diarize", "enrich", "index"}));
  command->add_option("--limit", options->limit, "at most so many: newest first; redrive: oldest")
      ->check(CLI::Range(1, kJobsMax))
      ->capture_default_str();
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
