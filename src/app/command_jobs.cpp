// `jobs`: lists jobs, cancels and retries them.
#include <fmt/format.h>

#include "api/wire.hpp"
#include "app/cli.hpp"

namespace narralytica::app {
namespace {

constexpr int kJobsMax = 1'000;

struct JobsOptions {
  CommonOptions common;
  std::string action = "list";
  std::string id;
  std::string status;
  int limit = 50;
};

Result<std::vector<jobs::Job>> List(Installation& store, const JobsOptions& options) {
  return access::Read(
      store.database(), store.scope(), [&](access::Tx& tx) -> Result<std::vector<jobs::Job>> {
        if (!options.id.empty()) {
          NRL_TRY(const JobId id, JobId::Parse(options.id));
          NRL_TRY(jobs::Job job, store.queue().Get(tx, id));
          return std::vector{std::move(job)};
        }
        NRL_TRY(std::vector<jobs::Job> found, store.queue().List(tx, JobId(), kJobsMax));
        std::erase_if(found, [&](const jobs::Job& job) {
          return !options.status.empty() && jobs::ToString(job.status) != options.status;
        });
        if (found.size() > static_cast<size_t>(options.limit)) found.resize(options.limit);
        return found;
      });
}

Result<std::vector<jobs::Job>> Change(Installation& store, const JobsOptions& options) {
  NRL_TRY(const JobId id, JobId::Parse(options.id));
  return access::Write(store.database(), store.scope(),
                       [&](access::Tx& tx) -> Result<std::vector<jobs::Job>> {
                         if (options.action == "cancel") {
                           NRL_CHECK(store.queue().RequestCancel(tx, id));
                         } else {
                           NRL_CHECK(store.queue().Redrive(tx, id));
                         }
                         NRL_TRY(jobs::Job job, store.queue().Get(tx, id));
                         return std::vector{std::move(job)};
                       });
}

void PrintTable(const std::vector<jobs::Job>& found) {
  if (found.empty()) Note("no jobs");
  for (const jobs::Job& job : found) {
    fmt::print("{}  {:<9}  {:<16}  {:>3.0f} %  {}\n", job.id.str(), jobs::ToString(job.status),
               job.stage.Label(), job.progress * 100, FormatRfc3339(job.updated_at));
    if (job.error) fmt::print("    {}: {}\n", job.error->code, job.error->message);
    if (job.error && !job.error->hint.empty()) fmt::print("    do: {}\n", job.error->hint);
  }
}

int Run(const JobsOptions& options) {
  if (options.action != "list" && options.id.empty()) {
    return FailCommand({ErrorCode::kInvalid,
                        "which job?",
                        fmt::format("write: narralytica jobs {} JOB", options.action),
                        {},
                        {}},
                       options.common.json);
  }
  auto store = OpenInstallation(options.common, "jobs");
  if (!store) return FailCommand(store.error(), options.common.json);
  const auto found = options.action == "list" ? List(**store, options) : Change(**store, options);
  if (!found) return FailCommand(found.error(), options.common.json);
  if (options.common.json) {
    Json items = Json::array();
    for (const jobs::Job& job : *found) items.push_back(api::JobJson(job));
    PrintJson({{"items", items}});
  } else {
    PrintTable(*found);
  }
  return kDone;
}

}  // namespace

void AddJobsCommand(CommandSet& commands) {
  auto options = std::make_shared<JobsOptions>();
  CLI::App* command = commands.app.add_subcommand("jobs", "list jobs; cancel or retry one");
  AddCommonOptions(*command, options->common);
  command->add_option("action", options->action, "list, cancel or retry")
      ->check(CLI::IsMember({"list", "cancel", "retry"}))
      ->capture_default_str();
  command->add_option("job", options->id, "id of a job");
  command->add_option("--status", options->status, "only those in this status")
      ->check(CLI::IsMember({"queued", "running", "succeeded", "failed", "canceled"}));
  command->add_option("--limit", options->limit, "at most so many, newest first")
      ->check(CLI::Range(1, kJobsMax))
      ->capture_default_str();
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
