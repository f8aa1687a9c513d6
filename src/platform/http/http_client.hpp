// An HTTP client over libcurl: one request at a time, over a connection that is kept.
//
// It does what it is told and no more: no redirects, no proxies from the environment, no cookies,
// http and https only, certificates verified. Who may be connected to is the caller's decision
// (`allow_peer`), asked with the address that the socket is about to connect to, after DNS and
// once for every attempt: source's dialer stands on that.
//
// Bodies in both directions may be streamed, so that memory stays bounded; every request has a
// deadline, a stop, and a time without a byte after which it is given up.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"

struct sockaddr;

namespace narralytica::platform {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpHead {
  int status = 0;
  HttpHeaders headers;  // names in lower case, in the order they came

  // The first with that name (lower case).
  std::optional<std::string_view> Find(std::string_view name) const;
};

// What to send from an open file, `[offset_bytes, offset_bytes + bytes)`.
struct HttpFileBody {
  int fd = -1;
  int64_t offset_bytes = 0;
  int64_t bytes = 0;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;
  std::string body;                       // when small,
  std::optional<HttpFileBody> file_body;  // else from a file

  // Gets the body piece by piece; without it, the body is collected. An error ends the request
  // and is its result.
  std::function<Status(std::span<const uint8_t>)> on_body;
  // Asked once, before the first byte of the body.
  std::function<Status(const HttpHead&)> on_head;
  // Total bytes of the request's body sent so far.
  std::function<void(int64_t sent_bytes)> on_sent;
  // An error refuses the connection and is the request's result. `address` is IPv4 or IPv6.
  std::function<Status(const sockaddr& address)> allow_peer;

  int64_t body_bytes_max = 16 << 20;  // of the reply, kLimited beyond
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};  // without a byte either way
  // What is slower than this over the whole of idle_timeout counts as silent.
  int64_t bytes_per_s_min = 1;
  int64_t bytes_per_s_max = 0;  // of the reply; 0: as fast as it comes
};

struct HttpReply {
  HttpHead head;
  std::string body;  // empty when on_body took it
  int64_t body_bytes = 0;
};

// Not thread-safe; make one per thread.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // Any status is a reply. kInvalid for a URL that is none or has another scheme, kUnavailable
  // when the server cannot be reached, breaks off, is silent, or shows a certificate that does not
  // hold; kLimited for too long a body; kCanceled.
  Result<HttpReply> Send(const HttpRequest& request, const Deadline& deadline);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

// Percent-encodes everything but unreserved characters (RFC 3986).
std::string EncodeUrlPart(std::string_view text);

}  // namespace narralytica::platform
