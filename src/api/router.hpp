// Routes: which function answers which method and path, and what a caller needs for it.
//
// Before a route runs: its limit is taken, the caller is known (key or session, CSRF token for
// writes by a session), the permission is checked. What a route returns as an Error becomes the
// envelope. A GET route answers HEAD too, unless HEAD has a route of its own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/keys.hpp"
#include "access/limits.hpp"
#include "api/http.hpp"
#include "platform/config.hpp"
#include "platform/log.hpp"

namespace narralytica::api {

// Who calls. Without a session, a key does.
struct Caller {
  access::Scope scope;
  access::ApiKey key;
  std::optional<access::Session> session;
};

// What a route costs: its limit by caller, or by address where there is none yet.
enum class Cost { kRead, kWrite, kExpensive, kSignIn };

using RouteHandler = std::function<Result<Response>(const Request&, const Caller&)>;
using RouteReceiver =
    std::function<Result<std::unique_ptr<BodySink>>(const Request&, const Caller&)>;

struct Route {
  std::string method;
  std::string pattern;  // "/api/v1/videos/{video_id}"
  Cost cost = Cost::kRead;
  bool open = false;                      // needs no caller
  access::Permission permission{"", ""};  // "" needs a caller only
  RouteHandler handler;
  RouteReceiver receiver;  // instead of handler: the body is streamed
};

struct LimitsConfig {
  int read_per_minute = 600;
  int write_per_minute = 120;
  int expensive_per_minute = 120;
  int sign_in_per_minute = 10;
  int address_per_minute = 3'000;
  int tenant_per_minute = 6'000;
  void Bind(platform::ConfigBinder& binder);
};

struct RouterParts {
  platform::Database& database;
  Environment environment;
  platform::Logger log;
  LimitsConfig limits;
};

class Router final : public Application {
 public:
  explicit Router(RouterParts parts);

  void Add(Route route);
  // Answers GET for what no route has (the web application's files), from memory alone.
  void SetFallback(std::function<Response(const Request&)> fallback) {
    fallback_ = std::move(fallback);
  }

  bool StreamsBody(const Request& request) const override;
  // What the fallback answers.
  bool AnswersAtOnce(const Request& request) const override;
  Response Handle(Request& request) override;
  std::variant<Response, std::unique_ptr<BodySink>> Receive(Request& request) override;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> parts;  // of its pattern
  };
  struct Match {
    const Route* route = nullptr;
    std::map<std::string, std::string> path_ids;
    std::string allowed;  // methods, when only the method is wrong
  };
  Match Find(const Request& request) const;
  bool IsForFallback(const Request& request) const;
  // The caller, or the answer that refuses; adds the limit's headers to `limit_headers`.
  Result<Caller> Admit(const Route& route, const Request& request, Response& limit_headers);
  Result<Caller> Identify(const Request& request);
  Status CheckLimits(const Route& route, const Request& request, const Caller* caller,
                     Response& limit_headers);
  // Takes a request out of the bucket that all requests of `who` share.
  Status TakeShared(const access::Limit& limit, const std::string& who, Response& limit_headers);
  void NoteUse(const Caller& caller);
  Response Refuse(const Request& request, const Match& match) const;
  Response Answer(const Request& request, const Result<Response>& answer,
                  const Response& limit_headers) const;

  platform::Database& database_;
  const Environment environment_;
  const platform::Logger log_;
  const LimitsConfig config_;
  access::Limits limits_;
  std::vector<Entry> routes_;
  std::function<Response(const Request&)> fallback_;
};

// As the route of `routes` that fits the request would answer, whoever calls: for those who have
// the data folder itself. kNotFound when none fits.
Result<Response> AnswerWithin(const std::vector<Route>& routes, Request request,
                              const access::Scope& scope);

}  // namespace narralytica::api
