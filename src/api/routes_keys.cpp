// /api/v1/keys: API keys.
#include "access/sealed.hpp"
#include "api/cookie.hpp"
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

std::string CredentialOf(const Request& request) {
  return request.Header("authorization") + " " + request.Cookie(kSessionCookie);
}

// The answer to this very request, which has the secret and so is kept sealed; null when it is the
// first one.
Result<Json> FindEarlier(access::Tx& tx, const access::IdempotentRequest& request,
                         const std::string& credential) {
  if (request.key.empty()) return Json();
  NRL_TRY(const auto sealed, access::FindReplay(tx, request));
  if (!sealed) return Json();
  const auto opened = access::Unseal(*sealed, credential);
  if (!opened) {
    return Fail(Error{ErrorCode::kConflict,
                      "this idempotency key was used by another caller",
                      "use a new key for a new request",
                      {},
                      "idempotency_mismatch"});
  }
  Json answer = Json::parse(*opened);
  answer["idempotent_replay"] = true;
  return answer;
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
  NRL_TRY(const auto idempotent, ReadIdempotent(request, "key.create"));
  NRL_TRY(
      const Json answer, WriteAs(services, caller, [&](access::Tx& tx) -> Result<Json> {
        NRL_TRY(Json earlier, FindEarlier(tx, idempotent, CredentialOf(request)));
        if (!earlier.is_null()) return earlier;
        NRL_TRY(const auto created, access::CreateKey(tx, wanted, services.environment));
        Json json = CreatedKeyJson(created);
        if (idempotent.key.empty()) return json;
        const std::string sealed =
            access::Seal(json.dump(), CredentialOf(request), services.environment.random);
        NRL_CHECK(access::RecordAnswer(tx, idempotent, sealed, services.environment.clock.Now()));
        return json;
      }));
  return JsonResponse(201, answer).With("Cache-Control", "no-store");
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
