// /api/v1/keys: API keys.
#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/wire.hpp"

namespace narralytica::api {
namespace {

constexpr size_t kNameCharactersMax = 100;
constexpr size_t kScopesMax = 50;

Result<Response> List(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  NRL_CHECK(fields.End());
  NRL_TRY(const auto keys,
          ReadAs(services, caller, [&](access::Tx& tx) { return access::ListKeys(tx, page); }));
  return JsonResponse(200, PageJson(keys, page, KeyJson));
}

Result<Response> Create(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(Fields fields, Fields::OfBody(request));
  access::NewKey wanted;
  wanted.name = fields.Text(
      "name", {.required = true, .characters_max = kNameCharactersMax, .blank_allowed = false});
  wanted.role = fields.Choice("role", {"viewer", "editor", "operator", "admin"});
  if (!fields.Has("role")) fields.Missing("role");
  wanted.scopes = fields.Texts("scopes", kScopesMax);
  wanted.expires_at = fields.Time("expires_at", true);
  NRL_CHECK(fields.End());
  if (!access::MayGrant(caller.key, wanted.role, wanted.scopes)) {
    return Fail(ErrorCode::kDenied, "a key cannot be made that may do more than its maker",
                "choose a lower role, or scopes within your own");
  }
  NRL_TRY(const auto created, WriteAs(services, caller, [&](access::Tx& tx) {
            return access::CreateKey(tx, wanted, services.environment);
          }));
  return JsonResponse(201, CreatedKeyJson(created)).With("Cache-Control", "no-store");
}

Result<Response> Revoke(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const KeyId key, PathId<KeyId>(request, "key_id"));
  NRL_CHECK(WriteAs(services, caller, [&](access::Tx& tx) {
    return access::RevokeKey(tx, key, services.environment.clock.Now());
  }));
  return NoContent();
}

}  // namespace

void AddKeysRoutes(Router& router, const Services& services) {
  const auto bind = [&services](auto* function) -> RouteHandler {
    return [services, function](const Request& request, const Caller& caller) {
      return function(services, request, caller);
    };
  };
  const std::string path = "/api/v1/keys";
  router.Add(
      {.method = "GET", .pattern = path, .permission = {"read", "keys"}, .handler = bind(List)});
  router.Add({.method = "POST",
              .pattern = path,
              .cost = Cost::kWrite,
              .permission = {"write", "keys"},
              .handler = bind(Create)});
  router.Add({.method = "DELETE",
              .pattern = path + "/{key_id}",
              .cost = Cost::kWrite,
              .permission = {"write", "keys"},
              .handler = bind(Revoke)});
}

}  // namespace narralytica::api
