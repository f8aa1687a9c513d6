#include "platform/process/confinement.hpp"

#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace narralytica::platform {
namespace {

constexpr const char* kAllowed[] = {
    // the open descriptors
    "read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "_llseek", "fstat", "close",
    "poll", "ppoll",
    // memory
    "brk", "munmap", "mremap", "madvise",
    // time, identity and usage
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "getpid", "gettid", "getrusage", "sched_getaffinity", "sched_yield", "sysinfo", "getrandom",
    // the C library's own needs, and an orderly or a disorderly end
    "futex", "rseq", "set_robust_list", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "restart_syscall", "exit", "exit_group"};

constexpr const char* kDeadly[] = {"execve",
                                   "execveat",
                                   "ptrace",
                                   "process_vm_readv",
                                   "process_vm_writev",
                                   "mount",
                                   "umount2",
                                   "move_mount",
                                   "open_tree",
                                   "fsopen",
                                   "pivot_root",
                                   "chroot",
                                   "setns",
                                   "unshare",
                                   "bpf",
                                   "keyctl",
                                   "add_key",
                                   "request_key",
                                   "io_uring_setup",
                                   "io_uring_enter",
                                   "io_uring_register",
                                   "init_module",
                                   "finit_module",
                                   "delete_module",
                                   "kexec_load",
                                   "kexec_file_load",
                                   "perf_event_open",
                                   "userfaultfd",
                                   "open_by_handle_at",
                                   "reboot",
                                   "swapon",
                                   "acct"};

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

// Architectures lack some of the names; what does not exist needs no rule.
int AddRule(void* filter, uint32_t action, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR || number < 0) return 0;
  return seccomp_rule_add(filter, action, number, 0);
}

int AddRules(void* filter) {
  int error = 0;
  for (const char* name : kAllowed) error = error ? error : AddRule(filter, SCMP_ACT_ALLOW, name);
  for (const char* name : kDeadly) {
    error = error ? error : AddRule(filter, SCMP_ACT_KILL_PROCESS, name);
  }
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    const scmp_arg_cmp not_executable = SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    error =
        error ? error : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &not_executable);
  }
  // abort() signals its own thread; nobody else's.
  const scmp_arg_cmp itself = SCMP_A0_64(SCMP_CMP_EQ, static_cast<scmp_datum_t>(getpid()));
  return error ? error
               : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &itself);
}

Error Refused(const char* step, int error) {
  return {ErrorCode::kUnavailable,
          "this system cannot confine the process that reads recordings",
          "run on a Linux kernel with seccomp filters",
          std::string(step) + ": " + strerror(error),
          {}};
}

}  // namespace

Status ConfineThisProcess(const Confinement& confinement) {
  // Only root may; without it the filter below is what keeps the network away.
  if (confinement.unshare_network) unshare(CLONE_NEWNET);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_NPROC, &none);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Fail(Refused("no_new_privs", errno));
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return Fail(Refused("dumpable", errno));
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return Fail(Refused("seccomp_init", ENOMEM));
  if (const int error = AddRules(filter.get())) return Fail(Refused("seccomp rules", -error));
  if (const int error = seccomp_load(filter.get())) return Fail(Refused("seccomp_load", -error));
  return {};
}

}  // namespace narralytica::platform
