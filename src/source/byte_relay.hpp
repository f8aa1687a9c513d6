// Carries bytes between two connected sockets, both ways, until both have ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.hpp"
#include "platform/file.hpp"

namespace narralytica::source {

struct RelayLimits {
  std::chrono::milliseconds idle_timeout{60'000};  // without a byte either way
  int64_t bytes_max = int64_t{64} << 30;           // both ways together
};

// Returns when both ends have closed, one has broken, a limit is reached or `stop` is requested.
// The sockets are shut down, not closed.
void RelayBytes(int one, int other, const RelayLimits& limits, const std::stop_token& stop);

// Accepts connections and serves each on a thread of its own; more than 64 at once wait. Destroying
// it ends them all.
class ConnectionServer {
 public:
  using Serve = std::function<void(platform::FileDescriptor peer, const std::stop_token& stop)>;
  // Takes a socket that listens.
  ConnectionServer(platform::FileDescriptor listener, Serve serve);
  ~ConnectionServer();
  ConnectionServer(const ConnectionServer&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A Unix socket that listens at `path`, and a connection to one.
Result<platform::FileDescriptor> ListenUnix(const std::string& path);
Result<platform::FileDescriptor> ConnectUnix(const std::string& path);
// A TCP socket that listens on the loopback interface, at a free port.
Result<platform::FileDescriptor> ListenLoopback(int* port);

}  // namespace narralytica::source
