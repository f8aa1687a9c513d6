// /api/v1/session: who asks, by key or by cookie.
#include <fmt/format.h>

#include "api/cookie.hpp"
#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/wire.hpp"

namespace narralytica::api {
namespace {

Json PermissionsJson(const access::ApiKey& key) {
  Json permissions = Json::array();
  for (const std::string& text : access::PermissionsOf(key.role)) {
    const size_t colon = text.find(':');
    const access::Permission permission{std::string_view(text).substr(0, colon),
                                        std::string_view(text).substr(colon + 1)};
    if (access::MayDo(key.role, key.scopes, permission)) permissions.push_back(text);
  }
  return permissions;
}

Json SessionJson(const access::ApiKey& key, const access::Session* session) {
  return {
      {"tenant", {{"id", key.tenant.str()}, {"name", "default"}}},
      {"user", nullptr},
      {"key_id", key.id.str()},
      {"role", key.role},
      {"permissions", PermissionsJson(key)},
      {"csrf_token", session ? Json(session->csrf_token) : Json()},
      {"created_at", FormatRfc3339(session ? session->created_at : key.created_at)},
      {"expires_at", session ? Json(FormatRfc3339(session->expires_at)) : OrNull(key.expires_at)}};
}

// Over TLS, which a proxy in front of this says, the cookie travels by TLS only.
std::string CookieText(const Request& request, const std::string& value, int64_t age_s) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", kSessionCookie,
                     value, age_s,
                     request.Header("x-forwarded-proto") == "https" ? "; Secure" : "");
}

std::unexpected<Error> Unknown(std::string message) {
  return Fail(
      Error{ErrorCode::kDenied, std::move(message), "ask an admin for a key", {}, "unauthorized"});
}

Result<Response> SignIn(const Services& services, const Request& request) {
  NRL_TRY(Fields fields, Fields::OfBody(request));
  if (!fields.Has("key") && (fields.Has("email") || fields.Has("password"))) {
    fields.Text("email", {.required = true, .characters_min = 3, .characters_max = 254});
    fields.Text("password", {.required = true, .characters_max = 1'024});
    NRL_CHECK(fields.End());
    return Unknown("there are no passwords on this server");
  }
  const std::string secret = fields.Text("key", {.required = true, .characters_max = 200});
  NRL_CHECK(fields.End());
  const UtcMs now = services.environment.clock.Now();
  NRL_TRY(const auto key,
          access::Read(services.database, access::SystemScope("api"),
                       [&](access::Tx& tx) { return access::FindKey(tx, secret, now); }));
  if (!key) return Unknown("the key is not known, was revoked or has expired");
  const access::Scope scope{key->tenant, "key:" + key->id.str(), request.correlation_id};
  NRL_TRY(const auto created, access::Write(services.database, scope, [&](access::Tx& tx) {
            return access::CreateSession(tx, *key, services.environment);
          }));
  return JsonResponse(201, SessionJson(*key, &created.session))
      .With("Cache-Control", "no-store")
      .With("Set-Cookie", CookieText(request, created.token, access::kSessionMs / 1'000));
}

Result<Response> SignOut(const Services& services, const Request& request, const Caller& caller) {
  Response response = NoContent();
  if (!caller.session) return response;
  NRL_CHECK(WriteAs(services, caller,
                    [&](access::Tx& tx) { return access::EndSession(tx, caller.session->id); }));
  return std::move(response).With("Set-Cookie", CookieText(request, "", 0));
}

}  // namespace

void AddSessionRoutes(Router& router, const Services& services) {
  const std::string path = "/api/v1/session";
  router.Add({.method = "POST",
              .pattern = path,
              .cost = Cost::kSignIn,
              .open = true,
              .handler = [services](const Request& request, const Caller&) {
                return SignIn(services, request);
              }});
  router.Add({.method = "GET",
              .pattern = path,
              .handler = [](const Request&, const Caller& caller) -> Result<Response> {
                return JsonResponse(200, SessionJson(caller.key,
                                                     caller.session ? &*caller.session : nullptr))
                    .With("Cache-Control", "no-store");
              }});
  router.Add({.method = "DELETE",
              .pattern = path,
              .cost = Cost::kWrite,
              .handler = [services](const Request& request, const Caller& caller) {
                return SignOut(services, request, caller);
              }});
}

}  // namespace narralytica::api
