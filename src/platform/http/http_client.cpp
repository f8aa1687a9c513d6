#include "platform/http/http_client.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "platform/file.hpp"

namespace narralytica::platform {
namespace {

constexpr size_t kHeaderBytesMax = 64 << 10;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// What libcurl's callbacks share for the length of one request.
struct Exchange {
  const HttpRequest& request;
  const Deadline& deadline;
  HttpReply reply;
  size_t header_bytes = 0;
  bool head_shown = false;
  int64_t sent_bytes = 0;
  std::optional<Error> failed;  // by one of ours, which then is the result

  size_t Refuse(Error error) {
    failed = std::move(error);
    return CURL_WRITEFUNC_ERROR;
  }

  Status ShowHead() {
    if (head_shown) return {};
    head_shown = true;
    return request.on_head ? request.on_head(reply.head) : Status{};
  }
};

size_t OnHeader(char* data, size_t, size_t bytes, void* context) {
  Exchange& exchange = *static_cast<Exchange*>(context);
  const std::string_view line = Trim({data, bytes});
  exchange.header_bytes += bytes;
  if (exchange.header_bytes > kHeaderBytesMax) {
    return exchange.Refuse({ErrorCode::kLimited, "the reply's headers are too long", {}, {}, {}});
  }
  if (line.starts_with("HTTP/")) {  // a new head: what came before was 100 Continue
    exchange.reply.head = {};
    const size_t space = line.find(' ');
    if (space != std::string_view::npos) {
      std::from_chars(line.data() + space + 1, line.data() + line.size(),
                      exchange.reply.head.status);
    }
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    exchange.reply.head.headers.emplace_back(Lower(Trim(line.substr(0, colon))),
                                             Trim(line.substr(colon + 1)));
  }
  return bytes;
}

size_t OnBody(char* data, size_t, size_t bytes, void* context) {
  Exchange& exchange = *static_cast<Exchange*>(context);
  if (const Status shown = exchange.ShowHead(); !shown) return exchange.Refuse(shown.error());
  exchange.reply.body_bytes += static_cast<int64_t>(bytes);
  if (exchange.reply.body_bytes > exchange.request.body_bytes_max) {
    return exchange.Refuse(
        {ErrorCode::kLimited,
         fmt::format("the reply is longer than {} bytes", exchange.request.body_bytes_max),
         {},
         {},
         "payload_too_large"});
  }
  if (!exchange.request.on_body) {
    exchange.reply.body.append(data, bytes);
    return bytes;
  }
  const Status taken = exchange.request.on_body({reinterpret_cast<const uint8_t*>(data), bytes});
  return taken ? bytes : exchange.Refuse(taken.error());
}

size_t OnRead(char* buffer, size_t, size_t bytes, void* context) {
  Exchange& exchange = *static_cast<Exchange*>(context);
  const HttpFileBody& file = *exchange.request.file_body;
  const auto wanted = static_cast<size_t>(
      std::min<int64_t>(static_cast<int64_t>(bytes), file.bytes - exchange.sent_bytes));
  if (wanted == 0) return 0;
  const ssize_t got = pread(file.fd, buffer, wanted, file.offset_bytes + exchange.sent_bytes);
  if (got <= 0) {
    exchange.failed = Error{ErrorCode::kUnavailable,
                            "the file became shorter while it was sent",
                            "send it again",
                            {},
                            {}};
    return CURL_READFUNC_ABORT;
  }
  exchange.sent_bytes += got;
  if (exchange.request.on_sent) exchange.request.on_sent(exchange.sent_bytes);
  return static_cast<size_t>(got);
}

curl_socket_t OnOpenSocket(void* context, curlsocktype, curl_sockaddr* address) {
  Exchange& exchange = *static_cast<Exchange*>(context);
  if (exchange.request.allow_peer) {
    if (const Status allowed = exchange.request.allow_peer(address->addr); !allowed) {
      exchange.failed = allowed.error();
      return CURL_SOCKET_BAD;
    }
  }
  // An address that was refused is forgotten when another one is allowed.
  exchange.failed.reset();
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// libcurl asks now and then; anything but 0 ends the request.
constexpr curl_xferinfo_callback kEndWhenTold = [](void* context, auto...) {
  const Exchange& exchange = *static_cast<const Exchange*>(context);
  return exchange.deadline.stopped() || exchange.deadline.expired() ? 1 : 0;
};

Error TransportError(const Exchange& exchange, CURLcode code, const char* detail) {
  if (exchange.failed) return *exchange.failed;
  if (const Status in_time = exchange.deadline.Check("the request"); !in_time) {
    return in_time.error();
  }
  const std::string why = *detail != 0 ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {ErrorCode::kInvalid, "not an http or https address", "give a whole URL", why, {}};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {ErrorCode::kUnavailable,
              "the server's certificate does not hold: " + why,
              "use the name that the certificate is for, or trust its authority",
              {},
              {}};
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::kUnavailable, "the server is silent", "try again later", why, {}};
    default:
      return {ErrorCode::kUnavailable,
              "the server cannot be reached: " + why,
              "check the address, and that it is up",
              {},
              {}};
  }
}

}  // namespace

std::optional<std::string_view> HttpHead::Find(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

struct HttpClient::Handle {
  Handle() : curl(curl_easy_init()) { NRL_ASSERT(curl != nullptr); }
  ~Handle() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }
  Handle(const Handle&) = delete;

  // What is the same in every request.
  void Prepare(Exchange& exchange) {
    curl_easy_reset(curl);  // keeps the connections
    curl_slist_free_all(headers);
    headers = nullptr;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, kEndWhenTold);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, OnOpenSocket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &exchange);
  }

  void Describe(const HttpRequest& request, Exchange& exchange) {
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(request.connect_timeout.count()));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(request.bytes_per_s_min));
    curl_easy_setopt(curl, CURLOPT_MAX_RECV_SPEED_LARGE,
                     static_cast<curl_off_t>(request.bytes_per_s_max));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     std::max(1L, static_cast<long>(request.idle_timeout.count() / 1'000)));
    if (request.file_body) {
      curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(curl, CURLOPT_READFUNCTION, OnRead);
      curl_easy_setopt(curl, CURLOPT_READDATA, &exchange);
      curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
                       static_cast<curl_off_t>(request.file_body->bytes));
    } else if (request.method == "HEAD") {
      curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (!request.body.empty() || request.method != "GET") {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      headers = curl_slist_append(headers, "Content-Type:");  // libcurl would guess a form
    }
    if (request.method != "HEAD") {
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    headers = curl_slist_append(headers, "Expect:");
    for (const auto& [name, value] : request.headers) {
      headers = curl_slist_append(headers, fmt::format("{}: {}", name, value).c_str());
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  }

  CURL* curl;
  curl_slist* headers = nullptr;
  std::array<char, CURL_ERROR_SIZE> detail{};
};

HttpClient::HttpClient() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  NRL_ASSERT(started == CURLE_OK);
  handle_ = std::make_unique<Handle>();
}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpReply> HttpClient::Send(const HttpRequest& request, const Deadline& deadline) {
  NRL_CHECK(deadline.Check("the request"));
  Exchange exchange{.request = request, .deadline = deadline, .reply = {}, .failed = {}};
  handle_->detail[0] = 0;
  handle_->Prepare(exchange);
  handle_->Describe(request, exchange);
  const CURLcode code = curl_easy_perform(handle_->curl);
  if (code != CURLE_OK) return Fail(TransportError(exchange, code, handle_->detail.data()));
  NRL_CHECK(exchange.ShowHead());
  return std::move(exchange.reply);
}

std::string EncodeUrlPart(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    encoded += unreserved ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return encoded;
}

}  // namespace narralytica::platform
