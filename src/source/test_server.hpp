// An HTTP server for tests on a loopback port: each connection gets one scripted answer.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/file.hpp"

namespace narralytica::source {

// Listens on an address of 127.0.0.0/8 and counts who connects.
class TestServer {
 public:
  // Makes the answer to a request; the connection ends after it. "" means silence until the peer
  // goes.
  using Answer = std::function<std::string(const std::string& request)>;

  explicit TestServer(Answer answer, const char* address = "127.0.0.1")
      : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in bound{};
    bound.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, address, &bound.sin_addr), 1);
    socklen_t length = sizeof(bound);
    auto* generic = reinterpret_cast<sockaddr*>(&bound);
    EXPECT_EQ(bind(listener_.get(), generic, length), 0);
    EXPECT_EQ(listen(listener_.get(), 64), 0);
    EXPECT_EQ(getsockname(listener_.get(), generic, &length), 0);
    port_ = ntohs(bound.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~TestServer() { Stop(); }
  TestServer(const TestServer&) = delete;

  int port() const { return port_; }
  std::string Url(const std::string& path = "/", const std::string& host = "127.0.0.1") const {
    return "http://" + host + ":" + std::to_string(port_) + path;
  }
  // The requests so far; one that sent nothing is "".
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  size_t Stop() {
    shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    return requests().size();
  }

 private:
  void Serve() {
    while (true) {
      const platform::FileDescriptor peer(accept(listener_.get(), nullptr, nullptr));
      if (!peer.valid()) return;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = read(peer.get(), buffer, sizeof(buffer));
        if (got <= 0) break;
        request.append(buffer, static_cast<size_t>(got));
      }
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (request.empty()) continue;
      const std::string reply = answer_(request);
      for (size_t sent = 0; sent < reply.size();) {
        const ssize_t put =
            send(peer.get(), reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
        if (put <= 0) break;
        sent += static_cast<size_t>(put);
      }
      if (reply.empty()) (void)!read(peer.get(), buffer, sizeof(buffer));
    }
  }

  const Answer answer_;
  platform::FileDescriptor listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

inline std::string Reply(const std::string& status, const std::string& headers,
                         const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace narralytica::source
