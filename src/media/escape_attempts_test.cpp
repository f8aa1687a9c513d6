#include "media/escape_attempts.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "media/protocol.hpp"

namespace narralytica::media {
namespace {

constexpr const char* kNoFile = "/narralytica-no-such-file";
constexpr long kBad = -1;  // an argument that the kernel refuses, were it ever asked

uint16_t target_port = 0;

template <typename... Arguments>
int64_t Call(long number, Arguments... arguments) {
  return syscall(number, arguments...);
}

int64_t Connect(int family, const void* address, socklen_t bytes) {
  const int fd = socket(family, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  const int outcome = connect(fd, static_cast<const sockaddr*>(address), bytes);
  const int error = errno;
  close(fd);
  errno = error;
  return outcome;
}

int64_t ConnectIpv4() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return Connect(AF_INET, &address, sizeof address);
}

int64_t ConnectIpv6() {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(target_port);
  address.sin6_addr = in6addr_loopback;
  return Connect(AF_INET6, &address, sizeof address);
}

// `first` is '/' for a path, 0 for an abstract name.
int64_t ConnectUnix(char first) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, kNoFile, sizeof address.sun_path - 1);
  address.sun_path[0] = first;
  return Connect(AF_UNIX, &address, sizeof address);
}

int64_t ResolveName() {
  addrinfo* found = nullptr;
  const int outcome = getaddrinfo("localhost", nullptr, nullptr, &found);
  if (outcome == 0) freeaddrinfo(found);
  errno = EPERM;  // its own errors say less
  return outcome == 0 ? 0 : -1;
}

int64_t Fork() {
  const int64_t pid = Call(SYS_clone, SIGCHLD, nullptr);
  if (pid == 0) _exit(0);
  if (pid > 0) waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return pid;
}

int64_t StartThread() {
  pthread_t thread{};
  const int error =
      pthread_create(&thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr);
  if (error == 0) pthread_join(thread, nullptr);
  errno = error;
  return error == 0 ? 0 : -1;
}

int64_t Map(int protection, int flags, int fd) {
  void* const memory = mmap(nullptr, 4'096, protection, flags, fd, 0);
  return memory == MAP_FAILED ? -1 : munmap(memory, 4'096);
}

int64_t MakeExecutable() {
  void* const memory =
      mmap(nullptr, 4'096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const int outcome = mprotect(memory, 4'096, PROT_READ | PROT_EXEC);
  const int error = errno;
  munmap(memory, 4'096);
  errno = error;
  return outcome;
}

int64_t RaiseLimit(int resource) {
  const rlimit endless{RLIM_INFINITY, RLIM_INFINITY};
  return Call(SYS_prlimit64, 0, resource, &endless, nullptr);
}

int64_t TakeCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  return Call(SYS_capset, &header, data);
}

constexpr EscapeAttempt kFiles[]{
    {"open /etc/passwd", [] { return Call(SYS_open, "/etc/passwd", O_RDONLY); }},
    {"openat /etc/passwd", [] { return Call(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
    {"openat2", [] { return Call(SYS_openat2, AT_FDCWD, kNoFile, nullptr, 0); }},
    {"environment of process 1", [] { return Call(SYS_open, "/proc/1/environ", O_RDONLY); }},
    {"own memory as a file", [] { return Call(SYS_open, "/proc/self/mem", O_RDWR); }},
    {"input opened anew for writing", [] { return Call(SYS_open, "/proc/self/fd/5", O_RDWR); }},
    {"list of processes", [] { return Call(SYS_open, "/proc", O_RDONLY | O_DIRECTORY); }},
    {"/sys", [] { return Call(SYS_open, "/sys/kernel", O_RDONLY | O_DIRECTORY); }},
    {"a device", [] { return Call(SYS_open, "/dev/null", O_RDWR); }},
    {"the terminal", [] { return Call(SYS_open, "/dev/tty", O_RDWR); }},
    {"the program itself", [] { return Call(SYS_open, "/proc/self/exe", O_WRONLY); }},
    {"write to the root", [] { return Call(SYS_open, "/narralytica-no/x", O_CREAT, 0600); }},
    {"creat", [] { return Call(SYS_creat, "/narralytica-no/x", 0600); }},
    {"mkdir", [] { return Call(SYS_mkdir, "/narralytica-no/x", 0700); }},
    {"rmdir", [] { return Call(SYS_rmdir, kNoFile); }},
    {"unlink", [] { return Call(SYS_unlink, kNoFile); }},
    {"rename", [] { return Call(SYS_rename, kNoFile, kNoFile); }},
    {"symlink", [] { return Call(SYS_symlink, "/etc", "/narralytica-no/x"); }},
    {"hard link", [] { return Call(SYS_link, kNoFile, kNoFile); }},
    {"mknod", [] { return Call(SYS_mknod, "/narralytica-no/x", S_IFCHR, 0); }},
    {"chmod", [] { return Call(SYS_chmod, kNoFile, 0777); }},
    {"chown", [] { return Call(SYS_chown, kNoFile, 0, 0); }},
    {"truncate", [] { return Call(SYS_truncate, kNoFile, 0); }},
    {"ftruncate", [] { return Call(SYS_ftruncate, kBad, 0); }},
    {"fchmod", [] { return Call(SYS_fchmod, kBad, 0700); }},
    {"fsetxattr", [] { return Call(SYS_fsetxattr, kBad, "user.x", "x", 1, kBad); }},
    {"lock the input", [] { return Call(SYS_flock, kInputFd, 2 | 4); }},
    {"stat", [] { return Call(SYS_newfstatat, AT_FDCWD, "/etc/passwd", nullptr, 0); }},
    {"access", [] { return Call(SYS_access, "/etc/passwd", R_OK); }},
    {"readlink", [] { return Call(SYS_readlink, "/proc/self/exe", nullptr, 0); }},
    {"chdir", [] { return Call(SYS_chdir, kNoFile); }},
    {"a file in memory", [] { return Call(SYS_memfd_create, "x", 0U); }},
    {"watch files", [] { return Call(SYS_inotify_init1, 0); }},
    {"fanotify", [] { return Call(SYS_fanotify_init, kBad, 0); }},
    {"more descriptors", [] { return Call(SYS_dup, kInputFd); }},
    {"change a descriptor", [] { return Call(SYS_fcntl, kInputFd, F_SETFL, O_APPEND); }},
    {"splice", [] { return Call(SYS_splice, kInputFd, nullptr, kEventsFd, nullptr, 0, 0); }},
    {"sendfile", [] { return Call(SYS_sendfile, kEventsFd, kInputFd, nullptr, 0); }},
    {"type into the terminal", [] { return Call(SYS_ioctl, STDERR_FILENO, TIOCSTI, "x"); }},
};

constexpr EscapeAttempt kNetwork[]{
    {"connect IPv4", ConnectIpv4},
    {"connect IPv6", ConnectIpv6},
    {"connect to a path", [] { return ConnectUnix('/'); }},
    {"connect to an abstract name", [] { return ConnectUnix('\0'); }},
    {"resolve a name", ResolveName},
    {"UDP", [] { return Call(SYS_socket, AF_INET, SOCK_DGRAM, 0); }},
    {"netlink", [] { return Call(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }},
    {"raw IP", [] { return Call(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
    {"packets", [] { return Call(SYS_socket, AF_PACKET, SOCK_RAW, 0); }},
    {"the hypervisor", [] { return Call(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }},
    {"the kernel's ciphers", [] { return Call(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0); }},
    {"socketpair", [] { return Call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, nullptr); }},
    {"connect a descriptor", [] { return Call(SYS_connect, kEventsFd, nullptr, 0); }},
    {"send descriptors", [] { return Call(SYS_sendmsg, kEventsFd, nullptr, 0); }},
    {"sendto", [] { return Call(SYS_sendto, kEventsFd, "x", 1, 0, nullptr, 0); }},
    {"bind", [] { return Call(SYS_bind, kEventsFd, nullptr, 0); }},
    {"listen", [] { return Call(SYS_listen, kEventsFd, 1); }},
    {"accept", [] { return Call(SYS_accept4, kEventsFd, nullptr, nullptr, 0); }},
};

constexpr EscapeAttempt kProcesses[]{
    {"fork", Fork},
    {"clone3", [] { return Call(SYS_clone3, nullptr, 0); }},
    {"a thread", StartThread},
    {"signal the parent", [] { return Call(SYS_kill, getppid(), 0); }},
    {"signal process 1", [] { return Call(SYS_kill, 1, 0); }},
    {"signal a thread of the parent", [] { return Call(SYS_tgkill, getppid(), getppid(), 0); }},
    {"signal a thread of process 1", [] { return Call(SYS_tgkill, 1, 1, 0); }},
    {"tkill", [] { return Call(SYS_tkill, 1, 0); }},
    {"queue a signal", [] { return Call(SYS_rt_sigqueueinfo, 1, 0, nullptr); }},
    {"a handle on a process", [] { return Call(SYS_pidfd_open, 1, 0); }},
    {"signal by handle", [] { return Call(SYS_pidfd_send_signal, kBad, 0, nullptr, 0); }},
    {"steal a descriptor", [] { return Call(SYS_pidfd_getfd, kBad, 0, 0); }},
    {"ask for the session", [] { return Call(SYS_getsid, 0); }},
    {"another group", [] { return Call(SYS_setpgid, 0, 0); }},
    {"another user", [] { return Call(SYS_setresuid, kBad, kBad, kBad); }},
    {"another group of users", [] { return Call(SYS_setresgid, kBad, kBad, kBad); }},
    {"no groups", [] { return Call(SYS_setgroups, kBad, nullptr); }},
    {"capabilities", TakeCapabilities},
    {"undo the hardening", [] { return Call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }},
    {"a filter of its own", [] { return Call(SYS_seccomp, kBad, 0, nullptr); }},
    {"core dumps", [] { return RaiseLimit(RLIMIT_CORE); }},
    {"more memory", [] { return RaiseLimit(RLIMIT_AS); }},
    {"more time", [] { return RaiseLimit(RLIMIT_CPU); }},
    {"larger files", [] { return RaiseLimit(RLIMIT_FSIZE); }},
    {"higher priority", [] { return Call(SYS_setpriority, PRIO_PROCESS, 0, 0); }},
    {"real time", [] { return Call(SYS_sched_setscheduler, 0, kBad, nullptr); }},
    {"other processors", [] { return Call(SYS_sched_setaffinity, 0, 0, nullptr); }},
    {"compare processes", [] { return Call(SYS_kcmp, 1, 1, kBad, 0, 0); }},
};

constexpr EscapeAttempt kKernel[]{
    {"machine code", [] { return Map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1); }},
    {"the input as machine code", [] { return Map(PROT_READ | PROT_EXEC, MAP_PRIVATE, kInputFd); }},
    {"memory made executable", MakeExecutable},
    {"personality", [] { return Call(SYS_personality, 0xffffffffUL); }},
    {"kernel log", [] { return Call(SYS_syslog, kBad, nullptr, 0); }},
    {"I/O ports", [] { return Call(SYS_ioperm, kBad, 1, 1); }},
    {"I/O level", [] { return Call(SYS_iopl, kBad); }},
    {"segments", [] { return Call(SYS_modify_ldt, kBad, nullptr, 0); }},
    {"the clock", [] { return Call(SYS_clock_settime, kBad, nullptr); }},
    {"the host's name", [] { return Call(SYS_sethostname, nullptr, kBad); }},
    {"shared memory", [] { return Call(SYS_shmget, 1, 0, 0); }},
    {"semaphores", [] { return Call(SYS_semget, 1, 0, 0); }},
    {"message queues", [] { return Call(SYS_msgget, 1, 0); }},
    {"timers", [] { return Call(SYS_timer_create, kBad, nullptr, nullptr); }},
    {"epoll", [] { return Call(SYS_epoll_create1, 0); }},
    {"eventfd", [] { return Call(SYS_eventfd2, 0, 0); }},
    {"asynchronous I/O", [] { return Call(SYS_io_setup, 1, nullptr); }},
    {"quotas", [] { return Call(SYS_quotactl, kBad, nullptr, 0, nullptr); }},
    {"move pages", [] { return Call(SYS_move_pages, 0, 0, nullptr, nullptr, nullptr, 0); }},
    {"landlock", [] { return Call(SYS_landlock_create_ruleset, nullptr, 0, kBad); }},
};

constexpr EscapeAttempt kDeadly[]{
    {"a shell", [] { return Call(SYS_execve, kNoFile, nullptr, nullptr); }},
    {"a program by descriptor",
     [] { return Call(SYS_execveat, kInputFd, "", nullptr, nullptr, AT_EMPTY_PATH); }},
    {"ptrace", [] { return Call(SYS_ptrace, kBad, 1, nullptr, nullptr); }},
    {"read a process", [] { return Call(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0); }},
    {"write a process", [] { return Call(SYS_process_vm_writev, 1, nullptr, 0, nullptr, 0, 0); }},
    {"mount", [] { return Call(SYS_mount, nullptr, kNoFile, nullptr, 0, nullptr); }},
    {"umount", [] { return Call(SYS_umount2, kNoFile, 0); }},
    {"move a mount", [] { return Call(SYS_move_mount, kBad, kNoFile, kBad, kNoFile, kBad); }},
    {"open a tree", [] { return Call(SYS_open_tree, kBad, kNoFile, kBad); }},
    {"open a file system", [] { return Call(SYS_fsopen, nullptr, kBad); }},
    {"another root", [] { return Call(SYS_pivot_root, kNoFile, kNoFile); }},
    {"chroot", [] { return Call(SYS_chroot, kNoFile); }},
    {"join a namespace", [] { return Call(SYS_setns, kBad, 0); }},
    {"make a namespace", [] { return Call(SYS_unshare, CLONE_NEWUSER); }},
    {"bpf", [] { return Call(SYS_bpf, kBad, nullptr, 0); }},
    {"keyctl", [] { return Call(SYS_keyctl, kBad, 0, 0, 0, 0); }},
    {"add a key", [] { return Call(SYS_add_key, nullptr, nullptr, nullptr, 0, 0); }},
    {"ask for a key", [] { return Call(SYS_request_key, nullptr, nullptr, nullptr, 0); }},
    {"io_uring", [] { return Call(SYS_io_uring_setup, 0, nullptr); }},
    {"load a module", [] { return Call(SYS_init_module, nullptr, 0, nullptr); }},
    {"load a module's file", [] { return Call(SYS_finit_module, kBad, nullptr, 0); }},
    {"remove a module", [] { return Call(SYS_delete_module, nullptr, 0); }},
    {"kexec", [] { return Call(SYS_kexec_load, 0, kBad, nullptr, kBad); }},
    {"performance counters", [] { return Call(SYS_perf_event_open, nullptr, 0, 0, kBad, kBad); }},
    {"userfaultfd", [] { return Call(SYS_userfaultfd, kBad); }},
    {"a file by its handle", [] { return Call(SYS_open_by_handle_at, kBad, nullptr, 0); }},
    {"reboot", [] { return Call(SYS_reboot, 0, 0, 0, nullptr); }},
    {"swap", [] { return Call(SYS_swapon, nullptr, 0); }},
    {"accounting", [] { return Call(SYS_acct, kNoFile); }},
    {"a call of the x32 kind", [] { return Call(0x40000000L | SYS_getpid); }},
};

}  // namespace

std::span<const EscapeAttempt> FileAttempts() { return kFiles; }
std::span<const EscapeAttempt> NetworkAttempts() { return kNetwork; }
std::span<const EscapeAttempt> ProcessAttempts() { return kProcesses; }
std::span<const EscapeAttempt> KernelAttempts() { return kKernel; }
std::span<const EscapeAttempt> DeadlyAttempts() { return kDeadly; }

void SetEscapePort(uint16_t port) { target_port = port; }

}  // namespace narralytica::media
