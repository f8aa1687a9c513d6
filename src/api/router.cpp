#include "api/router.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cctype>

#include "api/cookie.hpp"

namespace narralytica::api {
namespace {

constexpr int64_t kWindowSeconds = 60;
constexpr int64_t kNoteUseEveryMs = 60'000;

std::vector<std::string_view> Parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const size_t end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

bool IsName(std::string_view part) { return part.starts_with('{'); }

// Whether the path has the pattern's form.
bool Fits(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  return std::ranges::equal(pattern, path, [](std::string_view wanted, std::string_view given) {
    return IsName(wanted) || wanted == given;
  });
}

// What stands for the pattern's {names} in a path that fits.
std::map<std::string, std::string> IdsOf(const std::vector<std::string>& pattern,
                                         const std::vector<std::string_view>& path) {
  std::map<std::string, std::string> ids;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (!IsName(pattern[i])) continue;
    ids[pattern[i].substr(1, pattern[i].size() - 2)] = std::string(path[i]);
  }
  return ids;
}

std::string_view Bearer(const Request& request) {
  const std::string& header = request.Header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(header[i])) != kScheme[i]) return {};
  }
  return std::string_view(header).substr(kScheme.size());
}

bool OnlyReads(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

bool SameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Status CheckCsrf(const Request& request, const access::Session& session) {
  if (OnlyReads(request.method)) return {};
  if (SameSecret(request.Header("x-csrf-token"), session.csrf_token)) return {};
  return Fail(ErrorCode::kDenied, "the CSRF token is missing or wrong",
              "send X-CSRF-Token with the csrf_token of GET /api/v1/session");
}

Status CheckPermission(const Route& route, const Caller& caller) {
  const access::Permission& wanted = route.permission;
  if (wanted.action.empty() || access::MayDo(caller.key.role, caller.key.scopes, wanted)) {
    return {};
  }
  return Fail(ErrorCode::kDenied,
              fmt::format("this key may not {} {}", wanted.action, wanted.resource),
              fmt::format("ask an admin for one with {}:{}", wanted.action, wanted.resource));
}

// What a route throws is a defect, never the end of the process.
template <typename Run>
auto Guarded(const Run& run) -> decltype(run()) {
  try {
    return run();
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kInternal, "this should not have happened",
                "tell the operator the correlation id", exception.what());
  }
}

}  // namespace

void LimitsConfig::Bind(platform::ConfigBinder& binder) {
  const platform::ConfigBinder::Range range{1, 1'000'000};
  binder.Field("limits.read_per_minute", &read_per_minute, range, "reads of one key");
  binder.Field("limits.write_per_minute", &write_per_minute, range, "writes of one key");
  binder.Field("limits.expensive_per_minute", &expensive_per_minute, range, "searches of one key");
  binder.Field("limits.sign_in_per_minute", &sign_in_per_minute, range,
               "attempts to sign in from one address");
  binder.Field("limits.address_per_minute", &address_per_minute, range,
               "requests of any kind from one address");
  binder.Field("limits.tenant_per_minute", &tenant_per_minute, range,
               "requests of any kind of one tenant");
}

Router::Router(RouterParts parts)
    : database_(parts.database),
      environment_(parts.environment),
      log_(std::move(parts.log)),
      config_(parts.limits),
      limits_(parts.environment.clock) {}

void Router::Add(Route route) {
  Entry entry{std::move(route), {}};
  for (const std::string_view part : Parts(entry.route.pattern)) entry.parts.emplace_back(part);
  routes_.push_back(std::move(entry));
}

Router::Match Router::Find(const Request& request) const {
  Match match;
  Match get;  // stands in for a missing HEAD
  const std::vector<std::string_view> path = Parts(request.path);
  for (const auto& [route, parts] : routes_) {
    if (!Fits(parts, path)) continue;
    if (route.method == request.method) return {&route, IdsOf(parts, path), {}};
    if (request.method == "HEAD" && route.method == "GET") get = {&route, IdsOf(parts, path), {}};
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += route.method;
  }
  return get.route != nullptr ? get : match;
}

bool Router::StreamsBody(const Request& request) const {
  const Match match = Find(request);
  return match.route != nullptr && match.route->receiver;
}

bool Router::AnswersAtOnce(const Request& request) const {
  if (!IsForFallback(request)) return false;
  const Match match = Find(request);
  return match.route == nullptr && match.allowed.empty();
}

bool Router::IsForFallback(const Request& request) const {
  return fallback_ && (request.method == "GET" || request.method == "HEAD") &&
         !request.path.starts_with("/api/");
}

Response Router::Answer(const Request& request, const Result<Response>& answer,
                        const Response& limit_headers) const {
  NRL_ASSERT(!answer);
  Response response = ErrorResponse(answer.error(), request.correlation_id);
  if (response.status >= 500) {
    log_.With("trace", request.correlation_id).Error("request failed", answer.error());
  }
  const auto& more = limit_headers.headers;
  response.headers.insert(response.headers.end(), more.begin(), more.end());
  if (response.status == 429 && response.Header("Retry-After").empty()) {
    response.With("Retry-After", std::to_string(kWindowSeconds));
  }
  return response;
}

Response Router::Handle(Request& request) {
  Match match = Find(request);
  if (match.route == nullptr) return Refuse(request, match);
  request.path_ids = std::move(match.path_ids);
  Response limit_headers;
  auto answer = Guarded([&]() -> Result<Response> {
    NRL_TRY(const Caller caller, Admit(*match.route, request, limit_headers));
    return match.route->handler(request, caller);
  });
  if (!answer) return Answer(request, answer, limit_headers);
  auto& more = limit_headers.headers;
  answer->headers.insert(answer->headers.end(), more.begin(), more.end());
  return std::move(*answer);
}

std::variant<Response, std::unique_ptr<BodySink>> Router::Receive(Request& request) {
  Match match = Find(request);
  if (match.route == nullptr) return Refuse(request, match);
  request.path_ids = std::move(match.path_ids);
  Response limit_headers;
  auto sink = Guarded([&]() -> Result<std::unique_ptr<BodySink>> {
    NRL_TRY(const Caller caller, Admit(*match.route, request, limit_headers));
    return match.route->receiver(request, caller);
  });
  if (sink) return std::move(*sink);
  return Answer(request, Fail(sink), limit_headers);
}

Response Router::Refuse(const Request& request, const Match& match) const {
  if (!match.allowed.empty()) {
    return ErrorResponse(HttpError{405, "method_not_allowed",
                                   fmt::format("{} is not possible here", request.method),
                                   "possible: " + match.allowed},
                         request.correlation_id)
        .With("Allow", match.allowed);
  }
  if (IsForFallback(request)) return fallback_(request);
  return ErrorResponse(HttpError{404, "resource_not_found", "there is nothing at this address",
                                 "contracts/openapi.yaml lists the routes"},
                       request.correlation_id);
}

Status Router::TakeShared(const access::Limit& limit, const std::string& who,
                          Response& limit_headers) {
  const auto state = limits_.Take(limit, who);
  if (state.allowed) return {};
  limit_headers.With("Retry-After", std::to_string(state.retry_s));
  return Fail(ErrorCode::kLimited, "too many requests of this " + limit.name,
              fmt::format("wait {} s", state.retry_s));
}

Result<Caller> Router::Admit(const Route& route, const Request& request, Response& limit_headers) {
  NRL_CHECK(TakeShared({"address", config_.address_per_minute, kWindowSeconds},
                       request.remote_address, limit_headers));
  if (route.open) {
    if (route.cost == Cost::kSignIn) {
      NRL_CHECK(CheckLimits(route, request, nullptr, limit_headers));
    }
    return Caller{{{}, "anonymous", request.correlation_id}, {}, {}};
  }
  NRL_TRY(Caller caller, Identify(request));
  NRL_CHECK(TakeShared({"tenant", config_.tenant_per_minute, kWindowSeconds},
                       caller.key.tenant.str(), limit_headers));
  NRL_CHECK(CheckLimits(route, request, &caller, limit_headers));
  if (caller.session) NRL_CHECK(CheckCsrf(request, *caller.session));
  NRL_CHECK(CheckPermission(route, caller));
  return caller;
}

Result<Caller> Router::Identify(const Request& request) {
  const UtcMs now = environment_.clock.Now();
  const std::string_view bearer = Bearer(request);
  const std::string token = bearer.empty() ? request.Cookie(kSessionCookie) : std::string();
  const auto unknown = [](std::string_view message) {
    return Fail(Error{
        ErrorCode::kDenied, std::string(message), "send a key or sign in", {}, "unauthorized"});
  };
  if (bearer.empty() && token.empty()) return unknown("no key and no session");
  Caller caller;
  NRL_CHECK(access::Read(database_, access::SystemScope("api"), [&](access::Tx& tx) -> Status {
    if (!bearer.empty()) {
      NRL_TRY(auto key, access::FindKey(tx, bearer, now));
      if (!key) return unknown("the key is not known, was revoked or has expired");
      caller.key = std::move(*key);
    } else {
      NRL_TRY(caller.session, access::FindSession(tx, token, now));
      if (!caller.session) return unknown("the session is over");
      caller.key = caller.session->key;
    }
    return {};
  }));
  caller.scope = {caller.key.tenant, "key:" + caller.key.id.str(), request.correlation_id};
  NoteUse(caller);
  return caller;
}

void Router::NoteUse(const Caller& caller) {
  const UtcMs now = environment_.clock.Now();
  if (caller.key.last_used_at.value_or(UtcMs{0}).value >= now.value - kNoteUseEveryMs) return;
  const Status noted = access::Write(database_, caller.scope, [&](access::Tx& tx) {
    return access::NoteKeyUse(tx, caller.key, now);
  });
  if (!noted) log_.Error("cannot note the use of a key", noted.error());
}

Status Router::CheckLimits(const Route& route, const Request& request, const Caller* caller,
                           Response& limit_headers) {
  const auto limit_of = [&]() -> access::Limit {
    switch (route.cost) {
      case Cost::kRead:
        return {"read", config_.read_per_minute, kWindowSeconds};
      case Cost::kWrite:
        return {"write", config_.write_per_minute, kWindowSeconds};
      case Cost::kExpensive:
        return {"expensive", config_.expensive_per_minute, kWindowSeconds};
      case Cost::kSignIn:
        return {"sign-in", config_.sign_in_per_minute, kWindowSeconds};
    }
    NRL_ASSERT(false);
  };
  const access::Limit limit = limit_of();
  const auto state =
      limits_.Take(limit, caller != nullptr ? caller->key.id.str() : request.remote_address);
  const int64_t now_s = environment_.clock.Now().value / 1'000;
  limit_headers
      .With("RateLimit-Policy",
            fmt::format("\"{}\";q={};w={}", limit.name, limit.requests, limit.window_s))
      .With("RateLimit",
            fmt::format("\"{}\";r={};t={}", limit.name, state.remaining, state.reset_s))
      .With("X-RateLimit-Limit", std::to_string(limit.requests))
      .With("X-RateLimit-Remaining", std::to_string(state.remaining))
      .With("X-RateLimit-Reset", std::to_string(now_s + state.reset_s));
  if (state.allowed) return {};
  limit_headers.With("Retry-After", std::to_string(state.retry_s));
  return Fail(ErrorCode::kLimited,
              fmt::format("more than {} {} requests in a minute", limit.requests, limit.name),
              fmt::format("wait {} s", state.retry_s));
}

Result<Response> AnswerWithin(const std::vector<Route>& routes, Request request,
                              const access::Scope& scope) {
  const std::vector<std::string_view> path = Parts(request.path);
  for (const Route& route : routes) {
    const std::vector<std::string_view> names = Parts(route.pattern);
    const std::vector<std::string> pattern(names.begin(), names.end());
    if (route.method != request.method || !Fits(pattern, path)) continue;
    request.path_ids = IdsOf(pattern, path);
    return route.handler(request, Caller{scope, {}, {}});
  }
  return Fail(ErrorCode::kNotFound, "there is nothing at this address",
              "contracts/openapi.yaml lists the routes");
}

}  // namespace narralytica::api
