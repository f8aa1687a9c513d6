// Talks to a Narralytica server: adds the key, reads the error envelope, tries again when that can
// help.
//
// A request that may be repeated (one that changes nothing, DELETE, or any with an Idempotency-Key)
// is repeated while the server cannot be reached, is stopping or asks for patience (429, 5xx but
// its own defects), with capped exponential backoff and full jitter, until patience is over.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "app/cli.hpp"
#include "base/environment.hpp"
#include "platform/http/http_client.hpp"

namespace narralytica::app {

// How long to go on trying without getting anywhere, and when to try next. Not thread-safe.
class Patience {
 public:
  Patience(std::chrono::milliseconds give_up_after, Environment environment, std::stop_token stop);
  // Something was achieved: patience begins anew.
  void Renew();
  // Returns when it is time to try again, at least `pause` from now. `failed` when patience is
  // over, kCanceled after a stop.
  Status Wait(const Error& failed, std::chrono::milliseconds pause = {});

 private:
  const std::chrono::milliseconds give_up_after_;
  const Environment environment_;
  const std::stop_token stop_;
  std::chrono::steady_clock::time_point give_up_at_;
  int attempt_ = 0;
};

// Whether the same request may succeed a little later.
bool IsPassing(const Error& error);

class RemoteClient {
 public:
  // kInvalid when `server` is not http:// or https:// and a host, kDenied when others may read the
  // file of the key.
  static Result<RemoteClient> Create(const CommonOptions& options, std::stop_token stop);

  using Query = std::vector<std::pair<std::string, std::string>>;
  // `path` begins with "/"; the reply's JSON.
  Result<Json> Get(const std::string& path, const Query& query = {});
  // Without an Idempotency-Key ("") it is sent once.
  Result<Json> Post(const std::string& path, const Json& body, const std::string& idempotency_key);
  // A POST that changes nothing.
  Result<Json> Ask(const std::string& path, const Json& body);
  Status Delete(const std::string& path);
  // Any method; DELETE and GET are repeated, others are sent once.
  Result<Json> Do(const std::string& method, const std::string& path, const Json& body);
  // The items of a list, page by page, at most `limit`.
  Result<Json> List(const std::string& path, Query query, int limit);

  // One request; `url` holds the path. Any status of 400 and more is an Error. Repeats it when
  // `may_repeat`.
  Result<platform::HttpReply> Send(platform::HttpRequest request, bool may_repeat);
  // How long the server asked to wait in the last reply; 0 when it did not.
  std::chrono::milliseconds asked_pause() const { return asked_pause_; }

  // A minute's outage of the server is to be sat out from now on, for a person waits for work that
  // takes longer.
  void BePatient();
  Patience NewPatience() const { return {give_up_after_, environment_, stop_}; }

  const std::string& server() const { return server_; }
  const std::stop_token& stop() const { return stop_; }
  Environment environment() const { return environment_; }

 private:
  RemoteClient(std::string server, std::string key, std::stop_token stop);
  static platform::HttpRequest PostOf(const std::string& path, const Json& body);
  Result<platform::HttpReply> SendOnce(const platform::HttpRequest& request);

  std::string server_;  // without a slash at the end
  std::string key_;
  std::stop_token stop_;
  Environment environment_;
  std::chrono::milliseconds give_up_after_;
  std::chrono::milliseconds asked_pause_{0};
  platform::HttpClient http_;
};

}  // namespace narralytica::app
