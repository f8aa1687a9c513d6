// A child process that is always ended and always reaped: how Narralytica runs `media`, `engine`,
// `work` and every other program.
//
// The child gets what its options name and nothing else: an environment made from an allow-list,
// the mapped file descriptors, fresh signal handling, resource limits, its own process group. The
// kernel kills it when its parent dies (PR_SET_PDEATHSIG); since Linux ties that to the *thread*
// that spawned it, spawn from a thread that lives as long as the child should.
//
// Ending is a SIGTERM to the whole group, then, after a grace period, a SIGKILL to the whole group.
// The group is killed too when its leader ends by itself, so that nothing stays behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "platform/file.hpp"

namespace narralytica::platform {

// Hard resource limits (setrlimit); an absent one is inherited. Core dumps are always off.
struct ChildLimits {
  std::optional<uint64_t> cpu_seconds;          // SIGXCPU at the limit, SIGKILL two seconds later
  std::optional<uint64_t> address_space_bytes;  // not for a program built with AddressSanitizer
  std::optional<uint64_t> open_files;
  std::optional<uint64_t> file_bytes;  // the size any file may grow to
  std::optional<uint64_t> processes;   // counts all processes of the user; no effect on root
};

// `parent_fd` (borrowed) becomes `child_fd` in the child.
struct FdMapping {
  int parent_fd = -1;
  int child_fd = -1;
};

struct ChildOptions {
  std::string program;                 // absolute path
  std::vector<std::string> arguments;  // after argv[0], which is `program`
  std::vector<std::string> environment_kept{"PATH", "LANG", "LC_ALL", "TZ"};
  std::vector<std::string> environment_added;  // "NAME=value"
  // Descriptors 0 and 1 are /dev/null and 2 is the parent's unless they are mapped here.
  std::vector<FdMapping> fds;
  ChildLimits limits;
  std::string working_directory = "/";
};

struct ChildUsage {
  int64_t user_ms = 0;
  int64_t system_ms = 0;
  int64_t rss_bytes_max = 0;
};

struct ChildExit {
  bool signaled = false;
  int status = 0;  // exit status, or the number of the signal that killed it
  ChildUsage usage;
  bool ok() const { return !signaled && status == 0; }
  // "exit status 3", "signal 9 (Killed)".
  std::string Describe() const;
};

// Not thread-safe, but for pid().
class ChildProcess {
 public:
  static constexpr std::chrono::milliseconds kGrace{500};

  // Returns once the program has been executed. kNotFound when there is no such program,
  // kUnavailable when the system refuses (cause: the step and its errno).
  static Result<ChildProcess> Spawn(const ChildOptions& options);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // kills the group at once, reaps

  // Waits for the end. Past the deadline, or on its stop, the child is terminated and reaped and
  // the deadline's error returned (kUnavailable, kCanceled).
  Result<ChildExit> Wait(const Deadline& deadline);
  // The exit when the child has ended, without blocking.
  std::optional<ChildExit> Poll();
  // Asks with SIGTERM, insists with SIGKILL after `grace`, reaps. Takes at most `grace` and the
  // time the kernel needs. Idempotent.
  ChildExit Terminate(std::chrono::milliseconds grace = kGrace);

  pid_t pid() const { return pid_; }

 private:
  ChildProcess(pid_t pid, FileDescriptor pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  bool EndsWithin(std::chrono::milliseconds duration) const;
  ChildExit Reap();
  void KillAndReap();

  pid_t pid_ = -1;
  FileDescriptor pidfd_;  // readable once the process has ended
  std::optional<ChildExit> exit_;
};

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
  // Both ends are close-on-exec. kUnavailable when descriptors have run out.
  static Result<Pipe> Create();
};

}  // namespace narralytica::platform
