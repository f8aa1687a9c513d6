// What a process gives up, for good, before it reads a byte that it does not trust.
#pragma once

#include "base/result.hpp"

namespace narralytica::platform {

struct Confinement {
  // Also enter an empty network namespace, where the kernel lets this process (root, usually).
  bool unshare_network = false;
};

// Afterwards the process can compute, and read, write and seek its open descriptors, nothing else:
// no new privileges, and a seccomp allow-list under which opening a file, making a socket, starting
// a thread or a process, or mapping executable memory fails with EPERM, and what only an attack
// would try (ptrace, mount, bpf, keyctl, io_uring, execve, ...) kills it. Call it single-threaded,
// when everything that must be opened is open. kUnavailable when the kernel has no seccomp filters;
// the caller must then not go on.
Status ConfineThisProcess(const Confinement& confinement);

}  // namespace narralytica::platform
