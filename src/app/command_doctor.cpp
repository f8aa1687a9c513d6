// `doctor`: says what is wrong on this machine and the command that mends it.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "app/cli.hpp"
#include "app/model_catalog.hpp"
#include "app/remote_client.hpp"
#include "app/work.hpp"
#include "platform/file.hpp"
#include "platform/inference/engine_client.hpp"
#include "platform/process/sandbox.hpp"
#include "platform/sql/migrations.hpp"

namespace narralytica::app {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFreeBytesMin = int64_t{1} << 30;
constexpr const char* kNeededModels[] = {"silero-vad", "whisper-base", "e5-small", "community-1"};

struct Check {
  std::string name;
  bool ok = false;
  std::string detail;
  std::string fix;  // a command, or "" when ok
};

Check CheckData(const CommonOptions& options) {
  const Status created = platform::CreateFolders(options.data_folder);
  const bool writable = created && ::access(options.data_folder.c_str(), W_OK | X_OK) == 0;
  return {"data folder", writable, options.data_folder,
          writable ? "" : "choose a folder you may write to: --data DIR"};
}

Check CheckDisk(const std::string& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  const bool ok = !error && static_cast<int64_t>(space.available) >= kFreeBytesMin;
  return {"disk space", ok,
          fmt::format("{:.1f} GB free", error ? 0.0 : static_cast<double>(space.available) / 1e9),
          ok ? "" : "free some space, or choose another disk with --data DIR"};
}

Check CheckRuntime(const Config& config) {
  const std::string library = RuntimeFolder(config.engine) + "/libonnxruntime.so";
  const bool ok = fs::exists(library);
  return {"inference runtime", ok, ok ? library : library + " is missing", ok ? "" : "make models"};
}

std::vector<Check> CheckModels(const Config& config) {
  const auto models = ListModels(ModelsFolder(config.engine));
  std::vector<Check> checks;
  for (const char* id : kNeededModels) {
    Check check{fmt::format("model {}", id), false, "not installed", "make models"};
    if (models) {
      for (const Model& model : *models) {
        if (model.id != id) continue;
        const Status intact = VerifyModel(model);
        check = {check.name, intact.has_value(),
                 intact ? fmt::format("{:.0f} MB, {}", static_cast<double>(model.bytes) / 1e6,
                                      model.licence)
                        : intact.error().message,
                 intact ? "" : "make models"};
      }
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

Check CheckSandbox() {
  const auto box = platform::Sandbox::Create(platform::SandboxPolicy::kRequired);
  if (!box) return {"media sandbox", false, box.error().message, box.error().hint};
  return {"media sandbox", true, std::string(platform::ToString(box->kind())), ""};
}

// For the person who runs it, with what the server said.
Check DatabaseFault(const Error& error) {
  const std::string why = error.cause.empty() ? "" : " (" + error.cause + ")";
  return {"database", false, error.message + why, error.hint};
}

std::string DatabaseName(const Config& config) {
  if (config.database.url.empty()) return "SQLite";
  const auto url = platform::ParsePostgresUrl(config.database.url);
  return url ? "PostgreSQL " + url->shown : "PostgreSQL";
}

Check CheckDatabase(Installation& store) {
  const Status intact = store.database().CheckIntegrity();
  if (!intact) return DatabaseFault(intact.error());
  const auto applied = platform::ListApplied(store.database(), platform::EmbeddedMigrations());
  if (!applied) return DatabaseFault(applied.error());
  return {"database", true,
          fmt::format("{}, intact, {} migrations applied", DatabaseName(store.config()),
                      applied->size()),
          ""};
}

Check CheckEngine(Installation& store) {
  EngineSupervisor engine(
      {store.folder(), store.engine_socket(), store.settings(), store.folder() + "/logs/engine.log",
       store.config().engine.start_timeout_ms},
      store.log());
  const Status ready = engine.WaitReady(Deadline::Never());
  if (!ready) {
    return {"engine", false, ready.error().message,
            "look at " + store.folder() + "/logs/engine.log"};
  }
  platform::EngineClient client(store.engine_socket());
  const auto health =
      client.Call("health", nlohmann::json::object(), {}, Deadline::In(std::chrono::seconds(5)));
  return {"engine", health.has_value(), health ? "answers" : health.error().message,
          health ? "" : "look at " + store.folder() + "/logs/engine.log"};
}

Check CheckWorkers(Installation& store) {
  const auto live = store.queue().CountLiveWorkers();
  const auto open = store.queue().CountOpen();
  if (!live || !open) return {"workers", false, "cannot be counted", "try again"};
  const bool ok = *live > 0 || *open == 0;
  return {"workers", ok, fmt::format("{} live, {} open jobs", *live, *open),
          ok ? "" : "narralytica work " + store.flags()};
}

std::vector<Check> RunChecks(const CommonOptions& options) {
  std::vector<Check> checks{CheckData(options)};
  const auto config = Config::Load(options.data_folder, options.settings);
  checks.push_back({"configuration", config.has_value(), config ? "valid" : config.error().message,
                    config ? "" : "mend narralytica.toml or the environment"});
  if (!config || !checks[0].ok) return checks;
  checks.push_back(CheckDisk(options.data_folder));
  checks.push_back(CheckSandbox());
  checks.push_back(CheckRuntime(*config));
  const bool runtime_ok = checks.back().ok;
  for (Check& check : CheckModels(*config)) checks.push_back(std::move(check));
  auto store = OpenInstallation(options, "doctor");
  if (!store) {
    checks.push_back(DatabaseFault(store.error()));
    return checks;
  }
  checks.push_back(CheckDatabase(**store));
  checks.push_back(CheckWorkers(**store));
  if (runtime_ok) checks.push_back(CheckEngine(**store));
  return checks;
}

// What can be told of a server from here; how its machine is, its own doctor says.
std::vector<Check> RunRemoteChecks(const CommonOptions& options, const std::stop_token& stop) {
  auto client = RemoteClient::Create(options, stop);
  if (!client) return {{"client", false, client.error().message, client.error().hint}};
  std::vector<Check> checks;
  const auto ask = [&](const std::string& name, const std::string& path, const auto& detail) {
    const auto reply = client->Get(path);
    checks.push_back({name, reply.has_value(), reply ? detail(*reply) : reply.error().message,
                      reply ? "" : reply.error().hint});
    return reply.has_value();
  };
  const bool alive = ask("server", "/livez", [&](const Json& reply) {
    return client->server() + ", version " + reply.value("version", "unknown");
  });
  if (!alive) return checks;
  ask("ready", "/readyz", [](const Json& reply) {
    std::string names;
    for (const Json& check : reply.value("checks", Json::array())) {
      names += (names.empty() ? "" : ", ") + check.value("name", "");
    }
    return names;
  });
  ask("key", "/api/v1/session",
      [](const Json& reply) { return "role " + reply.value("role", "unknown"); });
  return checks;
}

int Run(const CommonOptions& options, bool show_config) {
  if (show_config && !options.server.empty()) {
    return FailCommand({ErrorCode::kInvalid,
                        "a server's settings are shown on its own machine",
                        "write there: narralytica doctor --config --data DIR",
                        {},
                        {}},
                       options.json);
  }
  if (show_config) {
    const auto config = Config::Load(options.data_folder, options.settings);
    if (!config) return FailCommand(config.error(), options.json);
    fmt::print("{}", config->Dump());
    return kDone;
  }
  SignalStop stop;
  bool ok = true;
  Json items = Json::array();
  const std::vector<Check> checks =
      options.server.empty() ? RunChecks(options) : RunRemoteChecks(options, stop.token());
  for (const Check& check : checks) {
    ok &= check.ok;
    items.push_back(
        {{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}, {"fix", check.fix}});
    if (options.json) continue;
    fmt::print("{}  {:<20} {}\n", check.ok ? "ok  " : "FAIL", check.name, check.detail);
    if (!check.fix.empty()) fmt::print("      do: {}\n", check.fix);
  }
  if (options.json) PrintJson({{"ok", ok}, {"checks", items}});
  return ok ? kDone : kCheckFailed;
}

}  // namespace

void AddDoctorCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  auto show_config = std::make_shared<bool>(false);
  CLI::App* command = commands.app.add_subcommand(
      "doctor", "say what is wrong here and the command that mends it (exit 7: something is)");
  AddCommonOptions(*command, *options, Place::kFolderOrServer);
  command->add_flag("--config", *show_config, "print every setting with its value instead");
  command->callback(
      [&commands, options, show_config] { commands.exit_code = Run(*options, *show_config); });
}

}  // namespace narralytica::app
