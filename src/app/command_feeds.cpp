// `feeds`: follows feeds and watches folders.
#include <fmt/format.h>

#include "api/wire.hpp"
#include "app/cli.hpp"
#include "source/feeds.hpp"

namespace narralytica::app {
namespace {

constexpr int kFeedsMax = 10'000;

struct FeedsOptions {
  CommonOptions common;
  std::string action = "list";
  std::string subject;
  int64_t interval_s = 900;
};

Result<Json> Add(Installation& store, const FeedsOptions& options) {
  NRL_TRY(const source::Dialer dialer, source::Dialer::Create(store.config().fetch));
  source::Feed wanted;
  wanted.kind = options.subject.starts_with('/') ? "folder" : "feed";
  wanted.locator = options.subject;
  wanted.poll_interval_s = options.interval_s;
  NRL_TRY(wanted.locator, source::CheckLocator(dialer, store.config().feeds, wanted));
  NRL_TRY(const auto feed, access::Write(store.database(), store.scope(), [&](access::Tx& tx) {
            return source::CreateFeed(tx, wanted, store.environment());
          }));
  return api::SourceJson(feed);
}

Result<Json> List(Installation& store) {
  NRL_TRY(const auto feeds, access::Read(store.database(), store.scope(), [&](access::Tx& tx) {
            return source::ListFeeds(tx, {.limit = kFeedsMax, .offset = 0, .after = {}});
          }));
  Json items = Json::array();
  for (const source::Feed& feed : feeds.items) items.push_back(api::SourceJson(feed));
  return Json{{"items", std::move(items)}};
}

Result<Json> Remove(Installation& store, const FeedsOptions& options) {
  NRL_TRY(const FeedId id, FeedId::Parse(options.subject));
  NRL_CHECK(access::Write(store.database(), store.scope(),
                          [&](access::Tx& tx) { return source::DeleteFeed(tx, id); }));
  return Json{{"id", id.str()}, {"removed", true}};
}

Result<Json> PollNow(Installation& store, const FeedsOptions& options) {
  NRL_TRY(const FeedId id, FeedId::Parse(options.subject));
  NRL_TRY(
      const auto feed,
      access::Write(store.database(), store.scope(), [&](access::Tx& tx) -> Result<source::Feed> {
        NRL_CHECK(source::MakeDue(tx, id, store.environment().clock.Now()));
        return source::GetFeed(tx, id);
      }));
  return api::SourceJson(feed);
}

void PrintForPeople(const FeedsOptions& options, const Json& done) {
  if (options.action == "add") {
    fmt::print("{}\n", done["id"].get<std::string>());
    Note("a running up or work polls it");
  } else if (options.action == "remove") {
    Note("no longer followed; what was taken in stays");
  } else if (options.action == "poll") {
    Note("the poll is due; a running up or work does it");
  } else {
    for (const Json& feed : done["items"]) {
      fmt::print("{}  {:<7}  {:>5}  {}\n", feed["id"].get<std::string>(),
                 feed["status"].get<std::string>(), feed["item_count"].get<int64_t>(),
                 feed["locator"].get<std::string>());
    }
  }
}

int Run(const FeedsOptions& options) {
  const bool json = options.common.json;
  if (options.action != "list" && options.subject.empty()) {
    return FailCommand(
        {ErrorCode::kInvalid, "which one?", "write: feeds add URL, or feeds remove ID", {}, {}},
        json);
  }
  auto store = OpenInstallation(options.common, "feeds");
  if (!store) return FailCommand(store.error(), json);
  const auto done = options.action == "add"      ? Add(**store, options)
                    : options.action == "remove" ? Remove(**store, options)
                    : options.action == "poll"   ? PollNow(**store, options)
                                                 : List(**store);
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
  AddCommonOptions(*command, options->common, Place::kFolder);
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
