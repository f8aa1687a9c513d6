// `migrate`: shows, applies and takes back schema migrations.
#include <fmt/format.h>

#include "app/cli.hpp"
#include "platform/file.hpp"
#include "platform/sql/migrations.hpp"

namespace narralytica::app {
namespace {

using platform::EmbeddedMigrations;

Result<Json> Migrate(const CommonOptions& options, const std::string& direction, int count) {
  NRL_CHECK(platform::CreateFolders(options.data_folder));
  NRL_TRY(const Config config, Config::Load(options.data_folder, options.settings));
  NRL_TRY(auto database, OpenDatabase(config, options.data_folder));
  std::vector<std::string> changed;
  if (direction == "up") {
    NRL_TRY(changed,
            platform::MigrateUp(*database, EmbeddedMigrations(), SystemEnvironment().clock));
  } else if (direction == "down") {
    NRL_TRY(changed, platform::MigrateDown(*database, EmbeddedMigrations(), count));
  }
  NRL_TRY(const auto applied, platform::ListApplied(*database, EmbeddedMigrations()));
  Json list = Json::array();
  for (const auto& migration : applied) {
    list.push_back({{"name", migration.name},
                    {"applied_at", FormatRfc3339(migration.applied_at)},
                    {"known", migration.known}});
  }
  return Json{{"changed", changed}, {"applied", list}};
}

}  // namespace

void AddMigrateCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  auto direction = std::make_shared<std::string>("status");
  auto count = std::make_shared<int>(1);
  CLI::App* command =
      commands.app.add_subcommand("migrate", "show, apply or take back schema migrations");
  AddCommonOptions(*command, *options, Place::kFolder);
  command->add_option("direction", *direction, "status, up or down")
      ->check(CLI::IsMember({"status", "up", "down"}))
      ->capture_default_str();
  command->add_option("--count", *count, "with down: how many")->check(CLI::Range(1, 1000));
  command->callback([&commands, options, direction, count] {
    const auto done = Migrate(*options, *direction, *count);
    if (!done) {
      commands.exit_code = FailCommand(done.error(), options->json);
    } else if (options->json) {
      PrintJson(*done);
    } else {
      for (const auto& migration : (*done)["applied"]) {
        fmt::print("{}  {}\n", migration["applied_at"].get<std::string>(),
                   migration["name"].get<std::string>());
      }
    }
  });
}

}  // namespace narralytica::app
