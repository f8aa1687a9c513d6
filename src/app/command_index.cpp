// `index`: shows, verifies and rebuilds the search index.
#include <fmt/format.h>

#include "app/cli.hpp"
#include "app/index_rebuild.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::hours kRebuildTimeout{24};
constexpr std::chrono::hours kVerifyTimeout{1};

struct IndexOptions {
  CommonOptions common;
  std::string action = "status";
};

Result<Json> StatusOf(Installation& store) {
  NRL_TRY(const auto reader, store.index().Read(store.scope().tenant));
  NRL_TRY(const auto generations, store.index().Generations());
  const index::ReaderInfo& info = reader->info();
  return Json{{"ok", true},
              {"generation", info.generation},
              {"generations", generations},
              {"as_of_seq", info.as_of_seq},
              {"segments", info.segments},
              {"videos", info.videos},
              {"videos_without_vectors", info.videos_without_vectors},
              {"model", info.model},
              {"model_hash", info.model_hash}};
}

Result<Json> Rebuild(Installation& store, const std::stop_token& stop) {
  NRL_TRY(const int64_t recordings, RebuildIndex(store, Deadline::In(kRebuildTimeout, stop)));
  NRL_TRY(Json status, StatusOf(store));
  status["recordings"] = recordings;
  return status;
}

// The newest generation that is not current becomes it.
Result<Json> Rollback(Installation& store, const std::stop_token& stop) {
  NRL_TRY(const auto generations, store.index().Generations());
  if (generations.size() < 2) {
    return Fail(ErrorCode::kNotFound, "there is no earlier index to go back to",
                "narralytica index rebuild makes a new one");
  }
  NRL_CHECK(store.index().Switch(generations.back(), Deadline::In(kVerifyTimeout, stop)));
  return StatusOf(store);
}

Result<Json> Do(Installation& store, const std::string& action, const std::stop_token& stop) {
  if (action == "rebuild") return Rebuild(store, stop);
  if (action == "rollback") return Rollback(store, stop);
  if (action == "verify") {
    NRL_CHECK(store.index().Verify(Deadline::In(kVerifyTimeout, stop)));
  }
  return StatusOf(store);
}

int Run(const IndexOptions& options) {
  SignalStop stop;
  auto store = OpenInstallation(options.common, "index");
  if (!store) return FailCommand(store.error(), options.common.json);
  const auto done = Do(**store, options.action, stop.token());
  if (!done) {
    const int code = FailCommand(done.error(), options.common.json);
    return options.action == "verify" ? kCheckFailed : code;
  }
  if (options.common.json) {
    PrintJson(*done);
  } else {
    for (const auto& [name, value] : done->items()) {
      fmt::print("{:<24} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return kDone;
}

}  // namespace

void AddIndexCommand(CommandSet& commands) {
  auto options = std::make_shared<IndexOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "index", "show, verify (exit 7: damaged), rebuild or roll back the search index");
  AddCommonOptions(*command, options->common, Place::kFolder);
  command->add_option("action", options->action, "status, verify, rebuild or rollback")
      ->check(CLI::IsMember({"status", "verify", "rebuild", "rollback"}))
      ->capture_default_str();
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
