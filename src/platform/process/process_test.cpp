#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include <gmock/gmock.h>
#include "platform/process/child_process.hpp"
#include "platform/process/confinement.hpp"
#include "platform/process/sandbox.hpp"

namespace narralytica::platform {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::seconds kTimeout{30};

ChildOptions Shell(const std::string& script) {
  ChildOptions options;
  options.program = "/usr/bin/bash";
  options.arguments = {"-c", script};
  return options;
}

struct Outcome {
  ChildExit exit;
  std::string output;
};

// Runs to the end with its standard output in a pipe.
Outcome RunChild(ChildOptions options, const Sandbox* sandbox = nullptr) {
  Pipe output = Pipe::Create().value();
  options.fds.push_back({output.write_end.get(), STDOUT_FILENO});
  ChildProcess child = ChildProcess::Spawn(sandbox ? sandbox->Wrap(options) : options).value();
  output.write_end.Close();
  Outcome outcome;
  char buffer[4'096];
  ssize_t got = 0;
  while ((got = read(output.read_end.get(), buffer, sizeof buffer)) > 0) {
    outcome.output.append(buffer, static_cast<size_t>(got));
  }
  outcome.exit = child.Wait(Deadline::In(kTimeout)).value();
  return outcome;
}

bool Exists(pid_t pid) { return kill(pid, 0) == 0; }

TEST(ChildProcessTest, TellsExitStatusSignalAndUsage) {
  EXPECT_TRUE(RunChild(Shell("exit 0")).exit.ok());
  EXPECT_EQ(RunChild(Shell("exit 7")).exit.Describe(), "exit status 7");
  const ChildExit killed = RunChild(Shell("kill -SEGV $$")).exit;
  EXPECT_TRUE(killed.signaled);
  EXPECT_EQ(killed.status, SIGSEGV);
  const ChildExit busy = RunChild(Shell("for ((i = 0; i < 100000; i++)); do :; done")).exit;
  EXPECT_GT(busy.usage.user_ms, 10);
  EXPECT_GT(busy.usage.rss_bytes_max, 1'000'000);
}

TEST(ChildProcessTest, AMissingProgramIsAnError) {
  ChildOptions options;
  options.program = "/usr/bin/no-such-program";
  const Result<ChildProcess> child = ChildProcess::Spawn(options);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ErrorCode::kNotFound);
  options.program = "/etc/passwd";
  EXPECT_EQ(ChildProcess::Spawn(options).error().code, ErrorCode::kUnavailable);
}

TEST(ChildProcessTest, OnlyAllowedEnvironmentIsPassedOn) {
  setenv("NRL_TEST_SECRET", "hush", 1);
  ChildOptions options = Shell("/usr/bin/env");
  options.environment_added = {"ADDED=yes"};
  const std::string environment = RunChild(options).output;
  EXPECT_THAT(environment, HasSubstr("ADDED=yes"));
  EXPECT_THAT(environment, HasSubstr("PATH="));
  EXPECT_THAT(environment, Not(HasSubstr("hush")));
  options.environment_kept = {"NRL_TEST_SECRET"};
  EXPECT_THAT(RunChild(options).output, HasSubstr("hush"));
}

TEST(ChildProcessTest, OnlyMappedDescriptorsAreOpen) {
  const int leaky = fcntl(STDIN_FILENO, F_DUPFD, 200);  // not close-on-exec
  Pipe first = Pipe::Create().value();
  Pipe second = Pipe::Create().value();
  ChildOptions options = Shell("echo one >&5; echo two >&6; echo /proc/self/fd/*");
  // 5 and 6 may be in use by this process in the other order: mappings may overlap.
  options.fds = {{first.write_end.get(), 5}, {second.write_end.get(), 6}};
  const Outcome outcome = RunChild(options);
  char buffer[16]{};
  EXPECT_EQ(read(first.read_end.get(), buffer, sizeof buffer), 4);
  EXPECT_STREQ(buffer, "one\n");
  EXPECT_EQ(read(second.read_end.get(), buffer, sizeof buffer), 4);
  EXPECT_STREQ(buffer, "two\n");
  EXPECT_THAT(outcome.output, HasSubstr("/proc/self/fd/6"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("/proc/self/fd/" + std::to_string(leaky))));
  close(leaky);
}

TEST(ChildProcessTest, LimitsAreTheKernels) {
  ChildOptions options = Shell("ulimit -n; ulimit -f; ulimit -v; ulimit -t; ulimit -c");
  options.limits = {.cpu_seconds = 5,
                    .address_space_bytes = 1 << 30,
                    .open_files = 33,
                    .file_bytes = 1 << 20,
                    .processes = {}};
  EXPECT_EQ(RunChild(options).output, "33\n1024\n1048576\n5\n0\n");
  options = Shell("while :; do :; done");
  options.limits.cpu_seconds = 1;
  const ChildExit exit = RunChild(options).exit;
  EXPECT_TRUE(exit.signaled);
  EXPECT_EQ(exit.status, SIGXCPU);
}

// The child ignores SIGTERM and has a child of its own that would outlive it.
TEST(ChildProcessTest, AStopEndsTheWholeGroup) {
  Pipe output = Pipe::Create().value();
  ChildOptions options =
      Shell("trap '' TERM; /usr/bin/sleep 1000 & echo $!; while :; do wait; done");
  options.fds = {{output.write_end.get(), STDOUT_FILENO}};
  ChildProcess child = ChildProcess::Spawn(options).value();
  output.write_end.Close();
  char text[32]{};
  ASSERT_GT(read(output.read_end.get(), text, sizeof text - 1), 0);
  const pid_t grandchild = std::stoi(text);
  ASSERT_TRUE(Exists(grandchild));

  std::stop_source stop;
  stop.request_stop();
  const Result<ChildExit> exit = child.Wait(Deadline::In(kTimeout, stop.get_token()));
  ASSERT_FALSE(exit);
  EXPECT_EQ(exit.error().code, ErrorCode::kCanceled);
  EXPECT_FALSE(Exists(child.pid()));
  // Nobody holds the pipe any more, so the grandchild has ended too.
  EXPECT_EQ(read(output.read_end.get(), text, sizeof text), 0);
}

TEST(ChildProcessTest, TheGroupDoesNotOutliveItsLeader) {
  Pipe held = Pipe::Create().value();
  ChildOptions options = Shell("/usr/bin/sleep 1000 >/dev/null &");
  options.fds = {{held.write_end.get(), 5}};
  EXPECT_TRUE(RunChild(options).exit.ok());
  held.write_end.Close();
  pollfd watched{held.read_end.get(), POLLIN, 0};
  ASSERT_EQ(poll(&watched, 1, 20'000), 1);  // once nobody holds the other end
  EXPECT_EQ(watched.revents & POLLHUP, POLLHUP);
}

TEST(ChildProcessTest, TerminateGivesGraceAndIsIdempotent) {
  Pipe output = Pipe::Create().value();
  ChildOptions options = Shell("trap 'exit 5' TERM; echo up; while :; do /usr/bin/sleep .01; done");
  options.fds = {{output.write_end.get(), STDOUT_FILENO}};
  ChildProcess child = ChildProcess::Spawn(options).value();
  EXPECT_FALSE(child.Poll());
  char text[8];
  ASSERT_GT(read(output.read_end.get(), text, sizeof text), 0);
  EXPECT_EQ(child.Terminate(std::chrono::seconds(20)).status, 5);
  EXPECT_EQ(child.Terminate().status, 5);
  EXPECT_EQ(child.Poll().value().status, 5);
  EXPECT_EQ(child.Wait(Deadline::Never()).value().status, 5);
}

TEST(ChildProcessTest, TheDestructorLeavesNothing) {
  pid_t pid = 0;
  {
    const ChildProcess child = ChildProcess::Spawn(Shell("while :; do wait; done")).value();
    pid = child.pid();
    EXPECT_TRUE(Exists(pid));
  }
  EXPECT_FALSE(Exists(pid));
}

// Each check runs in a process of its own, since there is no way back.
void ConfineAndExit(int (*attempt)()) {
  if (!ConfineThisProcess({})) _exit(100);
  _exit(attempt());
}

TEST(ConfinementDeathTest, LeavesOnlyOpenDescriptorsAndMemory) {
  EXPECT_EXIT(ConfineAndExit([] { return open("/etc/passwd", O_RDONLY) < 0 ? errno : 0; }),
              testing::ExitedWithCode(EPERM), "");
  EXPECT_EXIT(ConfineAndExit([] { return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0; }),
              testing::ExitedWithCode(EPERM), "");
  EXPECT_EXIT(ConfineAndExit([] {
                const std::vector<char> memory(64 << 20, 'x');
                return write(STDERR_FILENO, &memory[1 << 20], 1) == 1 ? 0 : errno;
              }),
              testing::ExitedWithCode(0), "x");
}

TEST(ConfinementDeathTest, KillsWhatOnlyAnAttackDoes) {
  EXPECT_EXIT(ConfineAndExit([] { return execl("/usr/bin/true", "true", nullptr); }),
              testing::KilledBySignal(SIGSYS), "");
}

class SandboxTest : public testing::Test {
 protected:
  SandboxTest() : sandbox_(Sandbox::Create(SandboxPolicy::kPreferred).value()) {}
  void SetUp() override {
    if (sandbox_.kind() != SandboxKind::kBubblewrap) {
      GTEST_SKIP() << "bubblewrap does not work on this machine: " << sandbox_.fallback_cause();
    }
  }
  Sandbox sandbox_;
};

TEST_F(SandboxTest, HidesTheSystem) {
  const ChildOptions look = Shell(
      "[ -e /etc/passwd ] && echo passwd; [ -e /root ] && echo root; "
      "[ -e /proc/1 ] && echo proc; [ -w /usr ] && echo usr; :");
  EXPECT_THAT(RunChild(look).output, HasSubstr("passwd"));
  EXPECT_THAT(RunChild(look, &sandbox_).output, Not(HasSubstr("passwd")));
  EXPECT_THAT(RunChild(look, &sandbox_).output, Not(HasSubstr("root")));
  EXPECT_THAT(RunChild(look, &sandbox_).output, Not(HasSubstr("usr")));
}

TEST_F(SandboxTest, HasNoNetwork) {
  const FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener.get(), 4), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const ChildOptions connect = Shell("exec 2>/dev/null; exec 3<>/dev/tcp/127.0.0.1/" +
                                     std::to_string(ntohs(address.sin_port)) + " && echo in");
  EXPECT_EQ(RunChild(connect).output, "in\n");
  EXPECT_EQ(RunChild(connect, &sandbox_).output, "");
}

TEST_F(SandboxTest, ReportsSignalsAsSignals) {
  const ChildExit exit = sandbox_.Unwrap(RunChild(Shell("kill -KILL $$"), &sandbox_).exit);
  EXPECT_TRUE(exit.signaled);
  EXPECT_EQ(exit.status, SIGKILL);
  EXPECT_EQ(sandbox_.Unwrap(RunChild(Shell("exit 3"), &sandbox_).exit).status, 3);
}

TEST(SandboxPolicyTest, FallsBackOnlyWhenAllowed) {
  const Result<Sandbox> plain = Sandbox::Create(SandboxPolicy::kPreferred, "/usr/bin/no-such-box");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->kind(), SandboxKind::kSeccomp);
  EXPECT_NE(plain->fallback_cause(), "");
  EXPECT_EQ(RunChild(Shell("echo plain"), &*plain).output, "plain\n");
  EXPECT_EQ(Sandbox::Create(SandboxPolicy::kRequired, "/usr/bin/no-such-box").error().code,
            ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace narralytica::platform
