// `index`: shows, verifies and rebuilds the search index.
#include <fmt/format.h>

#include "app/cli.hpp"
#include "index/stages.hpp"
#include "platform/file.hpp"

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

// A complete index beside the live one, then one switch; the old one stays for a way back.
Result<Json> Rebuild(Installation& store, const std::stop_token& stop) {
  const Deadline deadline = Deadline::In(kRebuildTimeout, stop);
  NRL_TRY(const auto before, store.index().Generations());
  const std::string name = fmt::format("g{}", store.environment().clock.Now().value);
  const index::CatchUp task{store.database(),    store.objects(), store.index(),
                            store.environment(), "cli/" + name,   name};
  NRL_TRY(const index::CatchUpResult result, index::RunCatchUp(task, deadline));
  if (!result.failures.empty()) {
    Error error = result.failures.front().second;
    error.message = fmt::format("{} recordings cannot be indexed; the live index stays: {}",
                                result.failures.size(), error.message);
    return Fail(std::move(error));
  }
  NRL_CHECK(store.index().Switch(name, deadline));
  // One generation is kept to go back to; older ones go.
  for (size_t i = 1; i < before.size(); ++i) {
    NRL_CHECK(store.index().Remove(before[i], deadline));
  }
  NRL_TRY(Json status, StatusOf(store));
  status["recordings"] = result.recordings;
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
