// A listener for tests that prove that nobody connects.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include <gtest/gtest.h>
#include "platform/file.hpp"

namespace narralytica::media {

// A port of 127.0.0.1 that only counts who connects.
class TestListener {
 public:
  TestListener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), generic, size), 0);
    EXPECT_EQ(listen(socket_.get(), 16), 0);
    EXPECT_EQ(getsockname(socket_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  uint16_t port() const { return port_; }
  int Connections() const {
    int count = 0;
    while (platform::FileDescriptor(accept(socket_.get(), nullptr, nullptr)).valid()) ++count;
    return count;
  }

 private:
  platform::FileDescriptor socket_;
  uint16_t port_ = 0;
};

}  // namespace narralytica::media
