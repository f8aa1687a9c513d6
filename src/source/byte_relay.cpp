#include "source/byte_relay.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <thread>

namespace narralytica::source {
namespace {

constexpr int kConnectionsMax = 64;
constexpr int kLookMs = 200;
constexpr size_t kBufferBytes = 64 << 10;

// Moves what has come; false at the end of that direction.
bool Move(int from, int to, int64_t* left_bytes) {
  std::array<char, kBufferBytes> buffer;
  const ssize_t got = recv(from, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  *left_bytes -= got;
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t put =
        send(to, buffer.data() + sent, static_cast<size_t>(got - sent), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    sent += put;
  }
  return true;
}

void SetTimeouts(int socket, std::chrono::milliseconds timeout) {
  const timeval time{timeout.count() / 1'000, (timeout.count() % 1'000) * 1'000};
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Fail(ErrorCode::kInternal, "a socket's path is too long", {}, path);
  }
  path.copy(address.sun_path, path.size());
  return address;
}

Result<platform::FileDescriptor> NewSocket(int family) {
  platform::FileDescriptor made(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.valid()) return Fail(platform::ErrnoError("a socket", errno));
  return made;
}

}  // namespace

void RelayBytes(int one, int other, const RelayLimits& limits, const std::stop_token& stop) {
  SetTimeouts(one, limits.idle_timeout);
  SetTimeouts(other, limits.idle_timeout);
  int64_t left_bytes = limits.bytes_max;
  std::array<pollfd, 2> ends{pollfd{one, POLLIN, 0}, pollfd{other, POLLIN, 0}};
  std::chrono::milliseconds idle{0};
  while (!stop.stop_requested() && left_bytes > 0 && idle < limits.idle_timeout) {
    const int ready = poll(ends.data(), ends.size(), kLookMs);
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) {
      idle += std::chrono::milliseconds(kLookMs);
      continue;
    }
    idle = std::chrono::milliseconds(0);
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      const int from = ends[i].fd;
      const int to = i == 0 ? other : one;
      if (Move(from, to, &left_bytes)) continue;
      shutdown(to, SHUT_WR);
      ends[i].fd = -1;
    }
    if (ends[0].fd < 0 && ends[1].fd < 0) break;
  }
  shutdown(one, SHUT_RDWR);
  shutdown(other, SHUT_RDWR);
}

struct ConnectionServer::State {
  platform::FileDescriptor listener;
  Serve serve;
  struct Connection {
    std::atomic<bool> ended = false;
    std::jthread thread;
  };
  std::list<Connection> connections;
  std::jthread acceptor;

  void Sweep() {
    connections.remove_if([](const Connection& c) { return c.ended.load(); });
  }

  void Accept(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      Sweep();
      pollfd waiting{listener.get(), POLLIN, 0};
      if (poll(&waiting, 1, kLookMs) <= 0 || connections.size() >= kConnectionsMax) continue;
      platform::FileDescriptor peer(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.valid()) continue;
      Connection& connection = connections.emplace_back();
      connection.thread = std::jthread(
          [this, &connection, fd = std::move(peer)](const std::stop_token& ending) mutable {
            serve(std::move(fd), ending);
            connection.ended = true;
          });
    }
  }
};

ConnectionServer::ConnectionServer(platform::FileDescriptor listener, Serve serve)
    : state_(std::make_unique<State>()) {
  state_->listener = std::move(listener);
  state_->serve = std::move(serve);
  state_->acceptor =
      std::jthread([state = state_.get()](const std::stop_token& stop) { state->Accept(stop); });
}

ConnectionServer::~ConnectionServer() {
  state_->acceptor = {};  // requests its stop and joins
  for (State::Connection& connection : state_->connections) connection.thread.request_stop();
}

Result<platform::FileDescriptor> ListenUnix(const std::string& path) {
  NRL_TRY(const sockaddr_un address, UnixAddress(path));
  NRL_TRY(platform::FileDescriptor made, NewSocket(AF_UNIX));
  if (bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(made.get(), kConnectionsMax) != 0) {
    return Fail(platform::ErrnoError("a socket", errno));
  }
  return made;
}

Result<platform::FileDescriptor> ConnectUnix(const std::string& path) {
  NRL_TRY(const sockaddr_un address, UnixAddress(path));
  NRL_TRY(platform::FileDescriptor made, NewSocket(AF_UNIX));
  if (connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Fail(platform::ErrnoError("a socket", errno));
  }
  return made;
}

Result<platform::FileDescriptor> ListenLoopback(int* port) {
  NRL_TRY(platform::FileDescriptor made, NewSocket(AF_INET));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(made.get(), generic, length) != 0 || listen(made.get(), kConnectionsMax) != 0 ||
      getsockname(made.get(), generic, &length) != 0) {
    return Fail(platform::ErrnoError("a socket", errno));
  }
  *port = ntohs(address.sin_port);
  return made;
}

}  // namespace narralytica::source
