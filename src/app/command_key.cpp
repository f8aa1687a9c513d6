// `key`: makes, lists and revokes API keys.
#include <fmt/format.h>

#include "access/keys.hpp"
#include "api/wire.hpp"
#include "app/cli.hpp"

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

Result<Json> Create(Installation& store, const KeyOptions& options) {
  access::NewKey wanted{options.name, options.role, options.scopes, {}};
  if (!options.expires_at.empty()) {
    NRL_TRY(wanted.expires_at, ParseRfc3339(options.expires_at));
  }
  NRL_TRY(const auto created, access::Write(store.database(), store.scope(), [&](access::Tx& tx) {
            return access::CreateKey(tx, wanted, store.environment());
          }));
  return api::CreatedKeyJson(created);
}

Result<Json> List(Installation& store) {
  NRL_TRY(const auto keys, access::Read(store.database(), store.scope(), [&](access::Tx& tx) {
            return access::ListKeys(tx, {.limit = kKeysMax, .offset = 0, .after = {}});
          }));
  Json items = Json::array();
  for (const access::ApiKey& key : keys.items) items.push_back(api::KeyJson(key));
  return Json{{"items", std::move(items)}};
}

Result<Json> Revoke(Installation& store, const KeyOptions& options) {
  NRL_TRY(const KeyId id, KeyId::Parse(options.id));
  NRL_CHECK(access::Write(store.database(), store.scope(), [&](access::Tx& tx) {
    return access::RevokeKey(tx, id, store.environment().clock.Now());
  }));
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
  const bool json = options.common.json;
  if (options.action == "create" && options.name.empty()) {
    return FailCommand(
        {ErrorCode::kInvalid, "what is the key for?", "write: key create --name NAME", {}, {}},
        json);
  }
  auto store = OpenInstallation(options.common, "key");
  if (!store) return FailCommand(store.error(), json);
  const auto done = options.action == "create"   ? Create(**store, options)
                    : options.action == "revoke" ? Revoke(**store, options)
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

void AddKeyCommand(CommandSet& commands) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = commands.app.add_subcommand("key", "create, list and revoke API keys");
  AddCommonOptions(*command, options->common);
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
