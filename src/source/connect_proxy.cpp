#include "source/connect_proxy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace narralytica::source {
namespace {

constexpr size_t kHeadBytesMax = 64 << 10;
constexpr std::chrono::milliseconds kHeadTimeout{30'000};

// What a client asks for.
struct Wanted {
  std::string host;
  int port = 0;
  std::string first_bytes;  // for the other end
  bool tunnel = false;
};

// "" when it does not come whole, or is too long. What follows the head stays in it.
std::string ReadHead(int peer) {
  std::string head;
  const Deadline deadline = Deadline::In(kHeadTimeout);
  while (head.find("\r\n\r\n") == std::string::npos) {
    pollfd waiting{peer, POLLIN, 0};
    const auto left = deadline.Left(kHeadTimeout);
    if (head.size() > kHeadBytesMax || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) {
      return {};
    }
    std::array<char, 4'096> buffer;
    const ssize_t got = recv(peer, buffer.data(), buffer.size(), 0);
    if (got <= 0) return {};
    head.append(buffer.data(), static_cast<size_t>(got));
  }
  return head;
}

// The request as its server gets it: origin form, and the connection ends with the answer.
std::string Rewritten(const std::string& method, const platform::Url& url, std::string_view rest) {
  const size_t host = url.text.find('/', url.text.find("://") + 3);
  std::string request = fmt::format("{} {} HTTP/1.1\r\nConnection: close\r\n", method,
                                    host == std::string::npos ? "/" : url.text.substr(host));
  const size_t end = rest.find("\r\n\r\n");
  for (size_t at = 0; at < end;) {
    const size_t line_end = std::min(rest.find("\r\n", at), end);
    std::string name(rest.substr(at, std::min(rest.find(':', at), line_end) - at));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name != "connection" && !name.starts_with("proxy-")) {
      request += std::string(rest.substr(at, line_end - at)) + "\r\n";
    }
    at = line_end + 2;
  }
  return request + std::string(rest.substr(end + 2));
}

Result<Wanted> Parse(const Dialer& dialer, const std::string& head) {
  const size_t line_end = head.find("\r\n");
  const std::string line = head.substr(0, line_end);
  const size_t method_end = line.find(' ');
  const size_t target_end = line.rfind(" HTTP/1.");
  if (method_end == std::string::npos || target_end == std::string::npos ||
      target_end <= method_end) {
    return Fail(ErrorCode::kInvalid, "not a request");
  }
  const std::string method = line.substr(0, method_end);
  const std::string target = line.substr(method_end + 1, target_end - method_end - 1);
  const bool tunnel = method == "CONNECT";
  // A tunnel's target is an authority; judged like the URL that will be fetched through it.
  NRL_TRY(const platform::Url url, dialer.CheckUrl(tunnel ? "https://" + target + "/" : target));
  if (tunnel) return Wanted{url.host, url.port, head.substr(head.find("\r\n\r\n") + 4), true};
  if (url.scheme != "http") return Fail(ErrorCode::kInvalid, "https goes through a tunnel");
  // The line's end belongs to the rest, so that a head without headers has its end.
  std::string rest = head.substr(line_end + 2);
  if (rest.starts_with("\r\n")) rest.insert(0, "Host: " + url.host + "\r\n");
  return Wanted{url.host, url.port, Rewritten(method, url, rest), false};
}

bool FinishConnect(int socket, std::chrono::milliseconds timeout) {
  pollfd waiting{socket, POLLOUT, 0};
  if (poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return false;
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return false;
  return fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK) == 0;
}

// The first of the name's addresses that is allowed and answers.
Result<platform::FileDescriptor> Connect(const Dialer& dialer, const Wanted& wanted) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(wanted.port);
  if (getaddrinfo(wanted.host.c_str(), port.c_str(), &hints, &found) != 0) {
    return Fail(ErrorCode::kUnavailable, "the name has no address");
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  Status refused = Fail(ErrorCode::kUnavailable, "the server cannot be reached");
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (const Status allowed = dialer.CheckPeer(*one->ai_addr); !allowed) {
      refused = allowed;
      continue;
    }
    platform::FileDescriptor made(
        socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made.valid()) continue;
    const int begun = connect(made.get(), one->ai_addr, one->ai_addrlen);
    if (begun != 0 && errno != EINPROGRESS) continue;
    const std::chrono::milliseconds timeout(dialer.config().connect_timeout_ms);
    if (FinishConnect(made.get(), timeout)) return made;
  }
  return Fail(refused.error());
}

void Say(int peer, std::string_view text) {
  (void)send(peer, text.data(), text.size(), MSG_NOSIGNAL);
}

// False when what was asked for is not fetched from.
bool ServeOne(const Dialer& dialer, int peer, const RelayLimits& limits,
              const std::stop_token& stop) {
  const std::string head = ReadHead(peer);
  if (head.empty()) return true;
  const auto wanted = Parse(dialer, head);
  auto upstream =
      wanted ? Connect(dialer, *wanted) : Result<platform::FileDescriptor>(Fail(wanted));
  if (!upstream) {
    const bool denied = upstream.error().code == ErrorCode::kInvalid;
    Say(peer, denied
                  ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                  : "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return !denied;
  }
  if (wanted->tunnel) {
    Say(peer, "HTTP/1.1 200 Connection established\r\n\r\n");
  }
  if (!wanted->first_bytes.empty()) Say(upstream->get(), wanted->first_bytes);
  RelayBytes(peer, upstream->get(), limits, stop);
  return true;
}

}  // namespace

ConnectProxy::ConnectProxy(const Dialer& dialer, platform::FileDescriptor listener,
                           RelayLimits limits)
    : server_(std::move(listener),
              [this, &dialer, limits](platform::FileDescriptor peer, const std::stop_token& stop) {
                if (!ServeOne(dialer, peer.get(), limits, stop)) refused_ = true;
              }) {}

Result<std::unique_ptr<ConnectProxy>> ConnectProxy::Start(const Dialer& dialer,
                                                          const std::string& path,
                                                          RelayLimits limits) {
  NRL_TRY(platform::FileDescriptor listener, ListenUnix(path));
  return std::unique_ptr<ConnectProxy>(new ConnectProxy(dialer, std::move(listener), limits));
}

}  // namespace narralytica::source
