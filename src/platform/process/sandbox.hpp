// A box for a child that handles untrusted bytes: bubblewrap (https://github.com/containers/
// bubblewrap) gives it its own namespaces, no network, no capabilities and a read-only system of
// /usr and its own program; ConfineThisProcess, called by the child itself, takes the rest away.
//
// Where bubblewrap is missing or the kernel refuses its namespaces, the embedded default goes on
// with the child's own confinement and resource limits (kSeccomp); production refuses to start.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "platform/process/child_process.hpp"

namespace narralytica::platform {

enum class SandboxPolicy { kRequired, kPreferred };
enum class SandboxKind { kBubblewrap, kSeccomp };

// "bubblewrap", "seccomp".
std::string_view ToString(SandboxKind kind);

// Immutable, so safe to share between threads.
class Sandbox {
 public:
  // Tries bubblewrap once, with a real child. kUnavailable under kRequired when it does not work;
  // under kPreferred the kind tells.
  static Result<Sandbox> Create(SandboxPolicy policy, std::string bubblewrap = "/usr/bin/bwrap");

  SandboxKind kind() const { return kind_; }
  // Why it is not bubblewrap, for the log; else empty.
  const std::string& fallback_cause() const { return fallback_cause_; }

  // The options that run `inner` in the box. Its program is seen there at the same path, with the
  // folder ../lib beside its own when there is one; /tmp is empty and small.
  ChildOptions Wrap(ChildOptions inner) const;
  // bubblewrap reports a child killed by signal n as exit status 128 + n; this undoes it.
  ChildExit Unwrap(ChildExit exit) const;

 private:
  Sandbox(SandboxKind kind, std::string bubblewrap)
      : kind_(kind), bubblewrap_(std::move(bubblewrap)) {}
  SandboxKind kind_;
  std::string bubblewrap_;
  std::string fallback_cause_;
};

}  // namespace narralytica::platform
