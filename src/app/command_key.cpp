// `key`: makes, lists and revokes API keys.
#include <fmt/format.h>

#include "app/backend.hpp"

namespace narralytica::app {
namespace {

constexpr int kKeysMax = 1'000;

struct KeyOptions {
  CommonOptions common;
  std::string action = "list";
  std::string id;
  std::string name, role = "viewer", expires_at;
  std::vector<std::string> scopes;
};

Result<Json> Create(Backend& backend, const KeyOptions& options) {
  access::NewKey wanted{options.name, options.role, options.scopes, {}};
  if (!options.expires_at.empty()) {
    NRL_TRY(wanted.expires_at, ParseRfc3339(options.expires_at));
  }
  return backend.CreateKey(wanted);
}

Result<Json> List(Backend& backend) {
  NRL_TRY(Json items, backend.Keys(kKeysMax));
  return Json{{"items", std::move(items)}};
}

Result<Json> Revoke(Backend& backend, const KeyOptions& options) {
  NRL_TRY(const KeyId id, KeyId::Parse(options.id));
  NRL_CHECK(backend.RevokeKey(id));
  return Json{{"id", id.str()}, {"revoked", true}};
}

void PrintForPeople(const KeyOptions& options, const Json& done) {
  if (options.action == "create") {
    fmt::print("{}\n", done["key"].get<std::string>());
    Note("this key is shown once; only its hash is kept");
  } else if (options.action == "revoke") {
    Note("revoked; its sessions have ended");
  } else {
    for (const Json& key : done["items"]) {
      fmt::print("{}  {:<8}  {:<12}  {}{}\n", key["id"].get<std::string>(),
                 key["role"].get<std::string>(), key["prefix"].get<std::string>(),
                 key["name"].get<std::string>(), key["revoked_at"].is_null() ? "" : "  (revoked)");
    }
  }
}

int Run(const KeyOptions& options) {
  SignalStop stop;
  const bool json = options.common.json;
  if (options.action == "create" && options.name.empty()) {
    return FailCommand(
        {ErrorCode::kInvalid, "what is the key for?", "write: key create --name NAME", {}, {}},
        json);
  }
  const auto backend = OpenBackend(options.common, "key", stop.token());
  if (!backend) return FailCommand(backend.error(), json);
  const auto done = options.action == "create"   ? Create(**backend, options)
                    : options.action == "revoke" ? Revoke(**backend, options)
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

void AddKeyCommand(CommandSet& commands) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = commands.app.add_subcommand("key", "create, list and revoke API keys");
  AddCommonOptions(*command, options->common, Place::kFolderOrServer);
  command->add_option("action", options->action, "create, list or revoke")
      ->check(CLI::IsMember({"create", "list", "revoke"}))
      ->capture_default_str();
  command->add_option("key", options->id, "id of the key to revoke");
  command->add_option("--name", options->name, "what or whom the key is for");
  command->add_option("--role", options->role, "viewer, editor, operator or admin")
      ->check(CLI::IsMember({"viewer", "editor", "operator", "admin"}))
      ->capture_default_str();
  command->add_option("--scope", options->scopes,
                      "narrow the role to action:resource (repeatable)");
  command->add_option("--expires-at", options->expires_at, "date or RFC 3339 time");
  command->callback([&commands, options] { commands.exit_code = Run(*options); });
}

}  // namespace narralytica::app
