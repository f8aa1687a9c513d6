// An HTTP proxy on a Unix socket, for a program in a network namespace that has no other way out.
//
// It carries CONNECT tunnels and plain http requests (absolute form, RFC 9112, section 3.2.2; one a
// connection), and connects only to what the dialer would: its ports, and of a name's addresses the
// ones that it allows. What it refuses gets 403, what it cannot reach 502.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "source/byte_relay.hpp"
#include "source/dialer.hpp"

namespace narralytica::source {

class ConnectProxy {
 public:
  // Listens at `path`; the dialer outlives it.
  static Result<std::unique_ptr<ConnectProxy>> Start(const Dialer& dialer, const std::string& path,
                                                     RelayLimits limits);
  // Whether anything was asked for that is not fetched from.
  bool refused() const { return refused_; }

 private:
  ConnectProxy(const Dialer& dialer, platform::FileDescriptor listener, RelayLimits limits);
  std::atomic<bool> refused_ = false;
  ConnectionServer server_;
};

}  // namespace narralytica::source
