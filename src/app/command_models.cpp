// `models`: what models are installed, which licence they have, whether their files are whole; and
// how others become models.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "app/cli.hpp"
#include "app/model_catalog.hpp"
#include "app/model_import.hpp"

namespace narralytica::app {
namespace {

constexpr std::chrono::minutes kImportMax{30};

struct ModelsOptions : CommonOptions {
  std::string action = "list";
  ModelImport import;
};

int Import(const Config& config, const ModelsOptions& options) {
  if (options.import.folder.empty()) {
    return FailCommand({ErrorCode::kInvalid, "import needs the folder of a checkpoint",
                        "narralytica models import DIR", "", ""},
                       options.json);
  }
  SignalStop stop;
  ModelImport wanted = options.import;
  wanted.models_folder = ModelsFolder(config.engine);
  const auto id = ImportModel(wanted, Deadline::In(kImportMax, stop.token()));
  if (!id) return FailCommand(id.error(), options.json);
  if (options.json) {
    PrintJson({{"imported", *id}});
  } else {
    fmt::print("{} is a model now: narralytica ingest --model {} uses it\n", *id, *id);
  }
  return kDone;
}

int Run(const ModelsOptions& options) {
  const std::string& action = options.action;
  const auto config = Config::Load(options.data_folder, options.settings);
  if (!config) return FailCommand(config.error(), options.json);
  if (action == "import") return Import(*config, options);
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
  auto options = std::make_shared<ModelsOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "models",
      "list the installed models, verify their files (exit 7: damaged), or import a checkpoint");
  AddCommonOptions(*command, *options, Place::kFolder);
  command->add_option("action", options->action, "list, verify or import")
      ->check(CLI::IsMember({"list", "verify", "import"}))
      ->capture_default_str();
  command->add_option("folder", options->import.folder,
                      "import: a Whisper checkpoint (CTranslate2 or safetensors), or a sherpa-onnx "
                      "folder");
  command->add_option("--name", options->import.name, "import: the model's name");
  command->add_option("--licence", options->import.licence, "import: as the list shows it")
      ->default_val("unknown");
  command->add_flag("--replace", options->import.replace,
                    "import: replace an imported model of that name");
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
