// `feeds`: follows feeds and watches folders.
#include <fmt/format.h>

#include "app/backend.hpp"

namespace narralytica::app {
namespace {

constexpr int kFeedsMax = 10'000;

struct FeedsOptions {
  CommonOptions common;
  std::string action = "list";
  std::string subject;
  int64_t interval_s = 900;
};

Result<Json> Add(Backend& backend, const FeedsOptions& options) {
  source::Feed wanted;
  wanted.kind = options.subject.starts_with('/') ? "folder" : "feed";
  wanted.locator = options.subject;
  wanted.poll_interval_s = options.interval_s;
  return backend.AddFeed(wanted);
}

Result<Json> List(Backend& backend) {
  NRL_TRY(Json items, backend.Feeds(kFeedsMax));
  return Json{{"items", std::move(items)}};
}

Result<Json> Remove(Backend& backend, const FeedsOptions& options) {
  NRL_TRY(const FeedId id, FeedId::Parse(options.subject));
  NRL_CHECK(backend.RemoveFeed(id));
  return Json{{"id", id.str()}, {"removed", true}};
}

Result<Json> PollNow(Backend& backend, const FeedsOptions& options) {
  NRL_TRY(const FeedId id, FeedId::Parse(options.subject));
  return backend.PollFeed(id);
}

void PrintForPeople(const FeedsOptions& options, const Json& done) {
  if (options.action == "add") {
    fmt::print("{}\n", done["id"].get<std::string>());
    Note("a running up or worker polls it");
  } else if (options.action == "remove") {
    Note("no longer followed; what was taken in stays");
  } else if (options.action == "poll") {
    Note("the poll is due; a running up or worker does it");
  } else {
    for (const Json& feed : done["items"]) {
      fmt::print("{}  {:<7}  {:>5}  {}\n", feed["id"].get<std::string>(),
                 feed["status"].get<std::string>(), feed["item_count"].get<int64_t>(),
                 feed["locator"].get<std::string>());
    }
  }
}

int Run(const FeedsOptions& options) {
  SignalStop stop;
  const bool json = options.common.json;
  if (options.action != "list" && options.subject.empty()) {
    return FailCommand(
        {ErrorCode::kInvalid, "which one?", "write: feeds add URL, or feeds remove ID", {}, {}},
        json);
  }
  const auto backend = OpenBackend(options.common, "feeds", stop.token());
  if (!backend) return FailCommand(backend.error(), json);
  const auto done = options.action == "add"      ? Add(**backend, options)
                    : options.action == "remove" ? Remove(**backend, options)
                    : options.action == "poll"   ? PollNow(**backend, options)
                                                 : List(**backend);
  if (!done) return FailCommand(done.error(), json);
  if (json) {
    PrintJson(*done);
  } else {
    PrintForPeople(options, *done);
  }
  return kDone;
}

}  // namespace

void AddFeedsCommand(CommandSet& commands) {
  auto options = std::make_shared<FeedsOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "feeds", "follow podcasts and watch folders: what is new in them is taken in");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
  command->add_option("action", options->action, "list, add, remove or poll")
      ->check(CLI::IsMember({"list", "add", "remove", "poll"}))
      ->capture_default_str();
  command->add_option("subject", options->subject,
                      "add: the feed's address or the folder's path; else the id");
  command->add_option("--interval", options->interval_s, "seconds between polls")
      ->check(CLI::Range(30, 604'800))
      ->capture_default_str();
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
