#include "app/remote_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include "access/page.hpp"
#include "jobs/outcome.hpp"
#include "platform/secret_file.hpp"

namespace narralytica::app {
namespace {

using platform::HttpReply;
using platform::HttpRequest;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kGiveUpSoon{3'000};
constexpr milliseconds kGiveUpLate{300'000};
constexpr int64_t kBackoffBaseMs = 500;
constexpr int64_t kBackoffCapMs = 15'000;
constexpr milliseconds kPauseMax{60'000};
constexpr std::chrono::hours kRequestTimeout{6};  // a stalled one ends by its idle timeout
constexpr milliseconds kAnswerTimeout{600'000};   // taking a long recording in copies it
constexpr int64_t kJsonBytesMax = int64_t{256} << 20;
constexpr size_t kRefusalBytesMax = 64 << 10;

bool IsSuccess(int status) { return status >= 200 && status < 300; }

// The wire's codes, as the errors that they began as; the reason stays where it says more.
struct WireCode {
  ErrorCode code;
  bool keeps_reason;
};

std::optional<WireCode> FindWireCode(const std::string& text) {
  static const std::map<std::string, WireCode, std::less<>> codes{
      {"unauthorized", {ErrorCode::kDenied, true}},
      {"forbidden", {ErrorCode::kDenied, false}},
      {"resource_not_found", {ErrorCode::kNotFound, false}},
      {"method_not_allowed", {ErrorCode::kInvalid, true}},
      {"rate_limit_exceeded", {ErrorCode::kLimited, true}},
      {"budget_exceeded", {ErrorCode::kLimited, true}},
      {"payload_too_large", {ErrorCode::kLimited, true}},
      {"internal_error", {ErrorCode::kInternal, false}},
      {"invalid_input", {ErrorCode::kInvalid, false}},
      {"missing_field", {ErrorCode::kInvalid, true}},
      {"unsafe_url", {ErrorCode::kInvalid, true}},
      {"conflict", {ErrorCode::kConflict, false}},
      {"idempotency_mismatch", {ErrorCode::kConflict, true}},
      {"unavailable", {ErrorCode::kUnavailable, false}}};
  const auto found = codes.find(text);
  if (found == codes.end()) return std::nullopt;
  return found->second;
}

// For a reply without the envelope: one to HEAD, or of something between us and the server.
Error ErrorOfStatus(int status, const std::string& server) {
  const std::string message = fmt::format("{} answered with status {}", server, status);
  switch (status) {
    case 401:
      return {ErrorCode::kDenied, message, "check the key", {}, "unauthorized"};
    case 403:
      return {ErrorCode::kDenied, message, "use a key of a higher role", {}, {}};
    case 404:
    case 410:
      return {ErrorCode::kNotFound, message, "check the address of --server", {}, {}};
    case 409:
      return {ErrorCode::kConflict, message, "try again", {}, {}};
    case 413:
      return {ErrorCode::kLimited, message, "send less", {}, "payload_too_large"};
    case 429:
      return {ErrorCode::kLimited, message, "try again later", {}, "rate_limit_exceeded"};
    default:
      break;
  }
  if (status >= 500) return {ErrorCode::kUnavailable, message, "try again later", {}, {}};
  return {ErrorCode::kInvalid, message, "check that --server is a Narralytica server", {}, {}};
}

Error ErrorOfReply(const HttpReply& reply, const std::string& server) {
  const Json body = Json::parse(reply.body, nullptr, false);
  const auto envelope = body.is_object() ? body.find("error") : body.end();
  if (!body.is_object() || envelope == body.end() || !envelope->is_object()) {
    return ErrorOfStatus(reply.head.status, server);
  }
  const auto text = [](const Json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    const bool is_text = object.is_object() && found != object.end() && found->is_string();
    return is_text ? found->get<std::string>() : std::string();
  };
  const std::string code = text(*envelope, "code");
  const Error by_status = ErrorOfStatus(reply.head.status, server);
  const auto known = FindWireCode(code);
  Error error{known ? known->code : by_status.code,
              text(*envelope, "message"),
              envelope->contains("details") ? text((*envelope)["details"], "hint") : "",
              {},
              !known || known->keeps_reason ? code : ""};
  const std::string correlation_id = text(*envelope, "correlation_id");
  if (error.code == ErrorCode::kInternal && !correlation_id.empty()) {
    error.cause = "the server's log has it under " + correlation_id;
  }
  return error;
}

milliseconds AskedPause(const HttpReply& reply) {
  const auto text = reply.head.Find("retry-after");
  int64_t seconds = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), seconds);
  return std::clamp(milliseconds(seconds * 1'000), milliseconds(0), kPauseMax);
}

Result<std::string> BaseOf(const std::string& server) {
  std::string base = server;
  while (base.ends_with('/')) base.pop_back();
  const size_t host = base.starts_with("https://") ? 8 : base.starts_with("http://") ? 7 : 0;
  if (host == 0 || base.size() == host || base.find_first_of("@?# ", host) != std::string::npos) {
    return Fail(ErrorCode::kInvalid, "--server is not the address of a server",
                "write it as http://HOST:PORT or https://HOST");
  }
  return base;
}

std::string PathWith(const std::string& path, const RemoteClient::Query& query) {
  std::string whole = path;
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    whole += whole.contains('?') ? '&' : '?';
    whole += name + "=" + platform::EncodeUrlPart(value);
  }
  return whole;
}

Result<Json> JsonOf(const HttpReply& reply, const std::string& server) {
  Json document = Json::parse(reply.body, nullptr, false);
  if (document.is_object()) return document;
  return Fail(ErrorCode::kUnavailable, server + " does not answer like a Narralytica server",
              "check the address of --server");
}

}  // namespace

bool IsPassing(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.reason == "rate_limit_exceeded";
}

Patience::Patience(milliseconds give_up_after, Environment environment, std::stop_token stop)
    : give_up_after_(give_up_after), environment_(environment), stop_(std::move(stop)) {
  Renew();
}

void Patience::Renew() {
  give_up_at_ = steady_clock::now() + give_up_after_;
  attempt_ = 0;
}

Status Patience::Wait(const Error& failed, milliseconds pause) {
  const milliseconds backoff(
      jobs::BackoffMs(++attempt_, kBackoffBaseMs, kBackoffCapMs, environment_.random));
  const auto next = steady_clock::now() + std::max(backoff, pause);
  if (next > give_up_at_) return Fail(failed);
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop_, next, [] { return false; });
  if (stop_.stop_requested()) return Fail(ErrorCode::kCanceled, "stopped");
  return {};
}

RemoteClient::RemoteClient(std::string server, std::string key, std::stop_token stop)
    : server_(std::move(server)),
      key_(std::move(key)),
      stop_(std::move(stop)),
      environment_(SystemEnvironment()),
      give_up_after_(kGiveUpSoon) {}

Result<RemoteClient> RemoteClient::Create(const CommonOptions& options, std::stop_token stop) {
  NRL_TRY(std::string server, BaseOf(options.server));
  std::string key = options.key;
  if (key.empty() && !options.key_file.empty()) {
    NRL_TRY(key, platform::ReadSecretFile(options.key_file, "the file of the key"));
  }
  const bool is_header_safe =
      std::ranges::all_of(key, [](unsigned char c) { return c > ' ' && c < 0x7F; });
  if (key.empty() || !is_header_safe) {
    return Fail(ErrorCode::kDenied, key.empty() ? "a server wants a key" : "that is not a key",
                "set NARRALYTICA_KEY, or name a file of mode 0600 with --key-file");
  }
  return RemoteClient(std::move(server), std::move(key), std::move(stop));
}

void RemoteClient::BePatient() { give_up_after_ = kGiveUpLate; }

Result<HttpReply> RemoteClient::SendOnce(const HttpRequest& request) {
  asked_pause_ = milliseconds(0);
  HttpRequest sent = request;
  int status = 0;
  std::string refusal;  // an error is read whole, also where a body is not
  if (request.on_body) {
    sent.on_head = [&](const platform::HttpHead& head) -> Status {
      status = head.status;
      return {};
    };
    sent.on_body = [&](std::span<const uint8_t> bytes) -> Status {
      if (IsSuccess(status)) return request.on_body(bytes);
      if (refusal.size() + bytes.size() <= kRefusalBytesMax) {
        refusal.append(bytes.begin(), bytes.end());
      }
      return {};
    };
  }
  NRL_TRY(HttpReply reply, http_.Send(sent, Deadline::In(kRequestTimeout, stop_)));
  if (IsSuccess(reply.head.status)) return reply;
  if (request.on_body) reply.body = std::move(refusal);
  asked_pause_ = AskedPause(reply);
  return Fail(ErrorOfReply(reply, server_));
}

Result<HttpReply> RemoteClient::Send(HttpRequest request, bool may_repeat) {
  request.url = server_ + request.url;
  request.headers.emplace_back("Authorization", "Bearer " + key_);
  Patience patience = NewPatience();
  while (true) {
    auto reply = SendOnce(request);
    if (reply || !may_repeat || !IsPassing(reply.error())) return reply;
    NRL_CHECK(patience.Wait(reply.error(), asked_pause_));
  }
}

Result<Json> RemoteClient::Get(const std::string& path, const Query& query) {
  HttpRequest request{.url = PathWith(path, query)};
  request.body_bytes_max = kJsonBytesMax;
  NRL_TRY(const HttpReply reply, Send(std::move(request), true));
  return JsonOf(reply, server_);
}

HttpRequest RemoteClient::PostOf(const std::string& path, const Json& body) {
  HttpRequest request{.method = "POST", .url = path};
  if (!body.is_null()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  request.body_bytes_max = kJsonBytesMax;
  request.idle_timeout = kAnswerTimeout;
  return request;
}

Result<Json> RemoteClient::Post(const std::string& path, const Json& body,
                                const std::string& idempotency_key) {
  HttpRequest request = PostOf(path, body);
  if (!idempotency_key.empty()) {
    request.headers.emplace_back("Idempotency-Key", idempotency_key);
  }
  NRL_TRY(const HttpReply reply, Send(std::move(request), !idempotency_key.empty()));
  return JsonOf(reply, server_);
}

Result<Json> RemoteClient::Ask(const std::string& path, const Json& body) {
  NRL_TRY(const HttpReply reply, Send(PostOf(path, body), true));
  return JsonOf(reply, server_);
}

Status RemoteClient::Delete(const std::string& path) {
  NRL_CHECK(Send({.method = "DELETE", .url = path}, true));
  return {};
}

Result<Json> RemoteClient::Do(const std::string& method, const std::string& path,
                              const Json& body) {
  HttpRequest request = PostOf(path, body);
  request.method = method;
  NRL_TRY(const HttpReply reply, Send(std::move(request), method == "DELETE" || method == "GET"));
  return JsonOf(reply, server_);
}

Result<Json> RemoteClient::List(const std::string& path, Query query, int limit) {
  Json items = Json::array();
  query.emplace_back("limit", std::to_string(std::min(limit, access::kPageLimitMax)));
  query.emplace_back("cursor", "");
  do {
    NRL_TRY(Json page, Get(path, query));
    if (!page.is_object() || !page.contains("items") || !page["items"].is_array()) {
      return Fail(ErrorCode::kUnavailable, server_ + " does not answer like a Narralytica server",
                  "check the address of --server");
    }
    for (Json& item : page["items"]) {
      if (items.size() < static_cast<size_t>(limit)) items.push_back(std::move(item));
    }
    const Json next = page.value("page", Json::object()).value("next_cursor", Json());
    query.back().second = next.is_string() ? next.get<std::string>() : std::string();
  } while (!query.back().second.empty() && items.size() < static_cast<size_t>(limit));
  return items;
}

}  // namespace narralytica::app
