#include "platform/process/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include "base/environment.hpp"

namespace narralytica::platform {
namespace {

constexpr std::chrono::milliseconds kStopCheck{20};
constexpr uint64_t kCpuGraceSeconds = 2;

struct Rlimit {
  __rlimit_resource resource;
  rlimit value;
};

// Everything the child needs between fork and exec, made before the fork: there only
// async-signal-safe calls are allowed, since other threads may have held any lock.
struct Launch {
  const char* program;
  const char* working_directory;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<FdMapping> fds;
  std::vector<Rlimit> limits;
  pid_t parent;
  int failure_fd;  // write end of a close-on-exec pipe
};

struct LaunchFailure {
  int step;
  int error;
};
constexpr std::array<const char*, 7> kSteps{"prctl",     "descriptors", "dup2", "setrlimit",
                                            "/dev/null", "chdir",       "exec"};
enum Step { kPrctl, kDescriptors, kDup2, kSetrlimit, kDevNull, kChdir, kExec };

[[noreturn]] void ReportAndExit(int failure_fd, Step step) {
  const LaunchFailure failure{step, errno};
  [[maybe_unused]] const ssize_t written = write(failure_fd, &failure, sizeof failure);
  _exit(127);
}

void ResetSignals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Moves every source out of the way of the targets first, so that mappings may overlap.
int MapDescriptors(Launch& launch) {
  int floor = 3;
  for (const FdMapping& map : launch.fds) floor = std::max(floor, map.child_fd + 1);
  const int failure_fd = fcntl(launch.failure_fd, F_DUPFD_CLOEXEC, floor);
  if (failure_fd < 0) ReportAndExit(launch.failure_fd, kDescriptors);
  for (FdMapping& map : launch.fds) {
    map.parent_fd = fcntl(map.parent_fd, F_DUPFD_CLOEXEC, floor);
    if (map.parent_fd < 0) ReportAndExit(failure_fd, kDescriptors);
  }
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    ReportAndExit(failure_fd, kDescriptors);
  }
  for (const FdMapping& map : launch.fds) {
    if (dup2(map.parent_fd, map.child_fd) < 0) ReportAndExit(failure_fd, kDup2);
  }
  return failure_fd;
}

bool IsMapped(const Launch& launch, int child_fd) {
  return std::any_of(launch.fds.begin(), launch.fds.end(),
                     [&](const FdMapping& map) { return map.child_fd == child_fd; });
}

[[noreturn]] void RunChild(Launch& launch) {
  setpgid(0, 0);
  ResetSignals();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) ReportAndExit(launch.failure_fd, kPrctl);
  if (getppid() != launch.parent) _exit(127);  // it died before the prctl
  const int failure_fd = MapDescriptors(launch);
  for (int fd : {0, 1}) {
    if (IsMapped(launch, fd)) continue;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, fd) < 0) ReportAndExit(failure_fd, kDevNull);
  }
  for (const Rlimit& limit : launch.limits) {
    if (setrlimit(limit.resource, &limit.value) != 0) ReportAndExit(failure_fd, kSetrlimit);
  }
  if (chdir(launch.working_directory) != 0) ReportAndExit(failure_fd, kChdir);
  execve(launch.program, launch.argv.data(), launch.envp.data());
  ReportAndExit(failure_fd, kExec);
}

std::vector<Rlimit> ToRlimits(const ChildLimits& limits) {
  std::vector<Rlimit> all{{RLIMIT_CORE, {0, 0}}};
  const auto add = [&](__rlimit_resource resource, const std::optional<uint64_t>& value) {
    if (value) all.push_back({resource, {*value, *value}});
  };
  add(RLIMIT_AS, limits.address_space_bytes);
  add(RLIMIT_NOFILE, limits.open_files);
  add(RLIMIT_FSIZE, limits.file_bytes);
  add(RLIMIT_NPROC, limits.processes);
  if (limits.cpu_seconds) {
    all.push_back({RLIMIT_CPU, {*limits.cpu_seconds, *limits.cpu_seconds + kCpuGraceSeconds}});
  }
  return all;
}

std::vector<std::string> ChildEnvironment(const ChildOptions& options) {
  std::vector<std::string> all;
  for (const std::string& name : options.environment_kept) {
    if (const char* value = std::getenv(name.c_str())) all.push_back(name + "=" + value);
  }
  all.insert(all.end(), options.environment_added.begin(), options.environment_added.end());
  return all;
}

std::vector<char*> PointersTo(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

int64_t Milliseconds(const timeval& time) { return time.tv_sec * 1000 + time.tv_usec / 1000; }

}  // namespace

std::string ChildExit::Describe() const {
  if (signaled) return fmt::format("signal {} ({})", status, strsignal(status));
  return fmt::format("exit status {}", status);
}

Result<Pipe> Pipe::Create() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Fail(ErrnoError("a pipe", errno));
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Result<ChildProcess> ChildProcess::Spawn(const ChildOptions& options) {
  NRL_TRY(Pipe failures, Pipe::Create());
  std::vector<std::string> arguments{options.program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = ChildEnvironment(options);
  Launch launch{options.program.c_str(),
                options.working_directory.c_str(),
                PointersTo(arguments),
                PointersTo(environment),
                options.fds,
                ToRlimits(options.limits),
                getpid(),
                failures.write_end.get()};
  const pid_t pid = fork();
  if (pid < 0) return Fail(ErrnoError("a new process", errno));
  if (pid == 0) RunChild(launch);
  setpgid(pid, pid);  // also here: whichever of the two runs first
  failures.write_end.Close();

  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  const int pidfd_errno = errno;
  ChildProcess child(pid, FileDescriptor(pidfd));
  LaunchFailure failure{};
  ssize_t got = 0;
  do {
    got = read(failures.read_end.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof failure) {
    const bool missing = failure.step == kExec && failure.error == ENOENT;
    return Fail(
        missing ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
        "a child process could not be started",
        "check that the program is installed and may be executed",
        fmt::format("{}: {}: {}", options.program, kSteps[failure.step], strerror(failure.error)));
  }
  if (pidfd < 0) return Fail(ErrnoError("a process handle", pidfd_errno));
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      exit_(std::move(other.exit_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    KillAndReap();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
    exit_ = std::move(other.exit_);
  }
  return *this;
}

ChildProcess::~ChildProcess() { KillAndReap(); }

void ChildProcess::KillAndReap() {
  if (pid_ > 0 && !exit_) Terminate(std::chrono::milliseconds{0});
}

bool ChildProcess::EndsWithin(std::chrono::milliseconds duration) const {
  pollfd watched{pidfd_.get(), POLLIN, 0};
  return poll(&watched, 1, static_cast<int>(duration.count())) > 0;
}

// The leader is still a zombie here, so its group id cannot have been given to another process.
ChildExit ChildProcess::Reap() {
  kill(-pid_, SIGKILL);
  int status = 0;
  rusage usage{};
  while (wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  exit_ = ChildExit{WIFSIGNALED(status),
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                    {Milliseconds(usage.ru_utime), Milliseconds(usage.ru_stime),
                     static_cast<int64_t>(usage.ru_maxrss) * 1024}};
  return *exit_;
}

Result<ChildExit> ChildProcess::Wait(const Deadline& deadline) {
  if (exit_) return *exit_;
  while (!EndsWithin(deadline.Left(kStopCheck))) {
    if (const Status in_time = deadline.Check("a child process"); !in_time) {
      Terminate();
      return Fail(in_time);
    }
  }
  return Reap();
}

std::optional<ChildExit> ChildProcess::Poll() {
  if (!exit_ && EndsWithin(std::chrono::milliseconds{0})) Reap();
  return exit_;
}

ChildExit ChildProcess::Terminate(std::chrono::milliseconds grace) {
  if (exit_) return *exit_;
  if (grace.count() > 0) {
    kill(-pid_, SIGTERM);
    EndsWithin(grace);
  }
  kill(-pid_, SIGKILL);
  return Reap();
}

}  // namespace narralytica::platform
