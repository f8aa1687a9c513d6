// What code that has taken over the media child would try. Tests run every attempt in the real
// sandbox, where each must fail, and without one, where most must succeed or fail in another way:
// so that the attempts themselves are known to be real.
//
// Each is harmless where it is not stopped: a signal is signal 0, a path is one that does not
// exist, a call for the machine as a whole has an argument that the kernel refuses. The seccomp
// filter judges a call before the kernel looks at its arguments, so nothing is lost.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace narralytica::media {

struct EscapeAttempt {
  std::string_view name;
  // -1 with errno when it was stopped.
  int64_t (*run)();
};

// Refused with EPERM; the child lives on.
std::span<const EscapeAttempt> FileAttempts();
std::span<const EscapeAttempt> NetworkAttempts();
std::span<const EscapeAttempt> ProcessAttempts();
std::span<const EscapeAttempt> KernelAttempts();
// What no decoder ever does: the child is killed at once.
std::span<const EscapeAttempt> DeadlyAttempts();

// The port of 127.0.0.1 and ::1 that the network attempts connect to.
void SetEscapePort(uint16_t port);

// The child that makes them: `task` is one of those in escapes_test.cpp.
[[noreturn]] void EscapeMain(const std::string& task);

}  // namespace narralytica::media
