// `models`: what models are installed, which licence they have, whether their files are whole.
#include <fmt/format.h>

#include <filesystem>

#include "app/cli.hpp"
#include "app/model_catalog.hpp"

namespace narralytica::app {
namespace {

int Run(const CommonOptions& options, const std::string& action) {
  const auto config = Config::Load(options.data_folder, options.settings);
  if (!config) return FailCommand(config.error(), options.json);
  const auto models = ListModels(ModelsFolder(config->engine));
  if (!models) return FailCommand(models.error(), options.json);
  bool ok = true;
  Json items = Json::array();
  for (const Model& model : *models) {
    Json item{{"id", model.id},           {"task", model.task}, {"version", model.version},
              {"licence", model.licence}, {"hash", model.hash}, {"bytes", model.bytes}};
    if (action == "verify") {
      const Status intact = VerifyModel(model);
      ok &= intact.has_value();
      item["ok"] = intact.has_value();
      if (!intact) item["error"] = ErrorJson(intact.error());
    }
    if (!options.json) {
      fmt::print("{:<20} {:<18} {:>7.1f} MB  {:<24} {}\n", model.id, model.task,
                 static_cast<double>(model.bytes) / 1e6, model.licence,
                 action == "verify" ? (item["ok"].get<bool>() ? "ok" : "DAMAGED") : "");
    }
    items.push_back(std::move(item));
  }
  if (options.json) PrintJson({{"ok", ok}, {"models", items}});
  if (!ok) Note("some models are damaged: make models fetches them again");
  return ok ? kDone : kCheckFailed;
}

}  // namespace

void AddModelsCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  auto action = std::make_shared<std::string>("list");
  CLI::App* command = commands.app.add_subcommand(
      "models", "list the installed models or verify their files (exit 7: damaged)");
  AddCommonOptions(*command, *options, Place::kFolder);
  command->add_option("action", *action, "list or verify")
      ->check(CLI::IsMember({"list", "verify"}))
      ->capture_default_str();
  command->callback([&commands, options, action] { commands.exit_code = Run(*options, *action); });
}

}  // namespace narralytica::app
