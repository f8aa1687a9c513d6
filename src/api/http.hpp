// HTTP as the routes see it: a request that was read, a response to write. No Beast type in sight.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "platform/file.hpp"

namespace narralytica::api {

using Json = nlohmann::ordered_json;

inline constexpr int64_t kJsonBodyBytesMax = 1 << 20;

struct Request {
  std::string method;                           // "GET"
  std::string path;                             // percent-encoded, as it came, without the query
  std::map<std::string, std::string> query;     // decoded
  std::map<std::string, std::string> headers;   // names in lower case
  std::map<std::string, std::string> path_ids;  // filled by the router: "video_id"
  std::string body;                             // empty when the route streams it
  std::string remote_address;
  std::string correlation_id;

  // "" when absent.
  const std::string& Header(const std::string& lower_case_name) const;
  std::string Cookie(std::string_view name) const;
};

// A part of a file, sent as it is read. The descriptor is closed afterwards.
struct FileBody {
  platform::FileDescriptor file;
  int64_t offset_bytes = 0;
  int64_t bytes = 0;
};

// Pieces that come over time (Server-Sent Events). `next` is asked a few times a second on an I/O
// thread, so it never blocks; it gives "" when there is nothing new and nullopt at the end.
struct StreamBody {
  std::function<std::optional<std::string>()> next;
};

// Content that many responses share.
using SharedText = std::shared_ptr<const std::string>;

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::variant<std::string, FileBody, StreamBody, SharedText> body;

  Response& With(std::string name, std::string value) & {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Response&& With(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
  // "" when absent.
  std::string Header(std::string_view name) const;
};

// Length of the body; 0 for a stream, which has none.
int64_t BodyBytes(const Response& response);

// Takes a body piece by piece while it arrives. All calls come one after the other, on threads that
// may wait for the disk.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual Status Write(std::span<const uint8_t> bytes) = 0;
  // The body has ended, or `error` cut it short; what was written stays.
  virtual Response Finish(const Status& status) = 0;
};

// What answers requests. Thread-safe; called on worker threads but for what answers at once.
class Application {
 public:
  virtual ~Application() = default;
  // Whether this request's body goes to Receive instead of Request::body. Cheap.
  virtual bool StreamsBody(const Request& request) const = 0;
  // Whether Handle only looks into memory for this request: it then runs on the I/O thread. Cheap.
  virtual bool AnswersAtOnce(const Request&) const { return false; }
  virtual Response Handle(Request& request) = 0;
  // The sink for the body, or the answer that makes reading it unnecessary.
  virtual std::variant<Response, std::unique_ptr<BodySink>> Receive(Request& request) = 0;
};

Response JsonResponse(int status, const Json& document);
// The error envelope of the wire contract; the private cause stays out of it.
Response ErrorResponse(const Error& error, const std::string& correlation_id);
// An error of one part of the input; `field` is told in `details.field`. The reason carries it:
// "missing_field:q", "invalid_field:filters.language".
Error MissingField(std::string_view field, std::string hint = {});
Error InvalidField(std::string_view field, std::string message, std::string hint = {});
// The envelope for what has no Error of its own (405, 415, ...).
struct HttpError {
  int status;
  std::string_view code;
  std::string message;
  std::string hint;
  std::string field = {};
};
Response ErrorResponse(const HttpError& error, const std::string& correlation_id);

// "/a%20b?x=1&y" → path and decoded query. kInvalid for broken escapes, what is
// not UTF-8, NUL, or a name given twice.
struct Target {
  std::string path;
  std::map<std::string, std::string> query;
};
Result<Target> ParseTarget(std::string_view target);
Result<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// IMF-fixdate of RFC 9110: "Wed, 25 Nov 2026 10:00:00 GMT".
std::string HttpDate(int64_t unix_seconds);

}  // namespace narralytica::api
