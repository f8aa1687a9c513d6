// A media child that has been taken over, started as the real one is: what it can reach, what it
// can use up, and that it could do its work all the same. The same attempts without the sandbox are
// the proof that they are attempts.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include "media/child_run.hpp"
#include "media/escape_attempts.hpp"
#include "media/media_samples.hpp"
#include "media/test_listener.hpp"
#include "platform/process/confinement.hpp"

namespace narralytica::media {
namespace {

using nlohmann::json;
using platform::FileDescriptor;
using platform::Sandbox;
using platform::SandboxKind;
using platform::SandboxPolicy;

constexpr std::chrono::seconds kTimeout{60};
constexpr int64_t kMegabyte = 1'024 * 1'024;
constexpr int64_t kOutputMax = 8 * kMegabyte;
constexpr int64_t kMemoryMax = 512 * kMegabyte;
constexpr size_t kBlock = 4 * kMegabyte;

int ErrnoOf(const EscapeAttempt& attempt) {
  errno = 0;
  return attempt.run() == -1 ? errno : 0;
}

json TryAll() {
  json report;
  for (const auto attempts :
       {FileAttempts(), NetworkAttempts(), ProcessAttempts(), KernelAttempts()}) {
    for (const EscapeAttempt& attempt : attempts) report[attempt.name] = ErrnoOf(attempt);
  }
  return report;
}

json WriteWithoutEnd() {
  signal(SIGXFSZ, SIG_IGN);
  const std::string block(kBlock, 'x');
  ssize_t wrote = 0;
  int64_t bytes = 0;
  while (bytes < 10'000 * kMegabyte) {
    wrote = write(kFirstOutputFd, block.data(), block.size());
    if (wrote <= 0) break;
    bytes += wrote;
  }
  return {{"errno", wrote < 0 ? errno : 0}, {"bytes", bytes}};
}

json TakeMemory(size_t piece, size_t pieces) {
  int error = 0;
  size_t got = 0;
  for (; got < pieces && error == 0; ++got) {
    void* const memory = mmap(nullptr, piece, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    error = memory == MAP_FAILED ? errno : 0;
    if (error == 0 && piece <= kBlock) memset(memory, 1, piece);
  }
  return {{"errno", error}, {"bytes", got * piece}};
}

[[noreturn]] void Spin() {
  volatile uint64_t turns = 0;
  while (true) turns = turns + 1;
}

json Perform(const std::string& task) {
  if (task == "all") return TryAll();
  if (task == "write") return WriteWithoutEnd();
  if (task == "memory") return TakeMemory(kBlock, 1'000);
  if (task == "address_space") return TakeMemory(100'000 * kMegabyte, 1);
  if (task == "spin") Spin();
  if (task == "spin_on") {
    signal(SIGXCPU, SIG_IGN);
    Spin();
  }
  const auto deadly = DeadlyAttempts();
  return {{"errno", ErrnoOf(deadly[std::stoul(task)])}};
}

std::string ProbeContainer() {
  const Result<MediaInfo> info = ProbeMedia(kInputFd, {});
  return info ? info->container : info.error().Describe();
}

class EscapesTest : public testing::Test {
 protected:
  static Sandbox Box(SandboxKind kind) {
    const char* const path =
        kind == SandboxKind::kBubblewrap ? "/usr/bin/bwrap" : "/usr/bin/no-such-bubblewrap";
    return Sandbox::Create(SandboxPolicy::kPreferred, path).value();
  }

  // "confined" as the real child, or "open": as it is before it confines itself.
  Result<json> Run(SandboxKind kind, const std::string& how, const std::string& task) {
    const FileDescriptor input(open(Sample("speech.mp3").c_str(), O_RDONLY | O_CLOEXEC));
    const std::string output_path = folder_.path() + "/output";
    const FileDescriptor output(
        open(output_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    ChildJob job;
    job.request.limits = limits_;
    job.input_fd = input.get();
    job.output_fds = {output.get()};
    const ChildProgram program{
        platform::ProgramPath(),
        {"escape", how + ":" + std::to_string(listener_.port()) + ":" + task},
        Box(kind)};
    NRL_TRY(const ChildAnswer answer, RunChild(program, job, Deadline::In(kTimeout)));
    struct stat status{};
    EXPECT_EQ(fstat(output.get(), &status), 0);
    output_bytes_ = status.st_size;
    return json::parse(answer.result);
  }

  MediaLimits limits_;
  TestListener listener_;
  platform::TemporaryFolder folder_ =
      platform::TemporaryFolder::Create(testing::TempDir(), "escapes").value();
  int64_t output_bytes_ = 0;
};

class BoxedEscapesTest : public EscapesTest, public testing::WithParamInterface<SandboxKind> {
 protected:
  void SetUp() override {
    if (Box(GetParam()).kind() != GetParam()) GTEST_SKIP() << "bubblewrap does not work here";
  }
  std::string ReasonOf(const std::string& task) {
    const Result<json> answer = Run(GetParam(), "confined", task);
    return answer ? answer->dump() : answer.error().reason;
  }
};

TEST_P(BoxedEscapesTest, EveryAttemptIsRefusedAndTheWorkGoesOn) {
  const Result<json> answer = Run(GetParam(), "confined", "all");
  ASSERT_TRUE(answer) << answer.error().cause;
  for (const auto& [name, error] : answer->at("attempts").items()) {
    EXPECT_EQ(error, EPERM) << name;
  }
  EXPECT_GE(answer->at("attempts").size(), 100U);
  EXPECT_EQ(answer->at("container"), "mp3");
  EXPECT_EQ(listener_.Connections(), 0);
}

TEST_P(BoxedEscapesTest, WhatOnlyAnAttackDoesKills) {
  const auto deadly = DeadlyAttempts();
  EXPECT_GE(deadly.size(), 25U);
  for (size_t i = 0; i < deadly.size(); ++i) {
    const Result<json> answer = Run(GetParam(), "confined", std::to_string(i));
    ASSERT_FALSE(answer) << deadly[i].name << ": " << *answer;
    EXPECT_EQ(answer.error().reason, "media_decode_failed") << deadly[i].name;
    EXPECT_THAT(answer.error().cause, testing::HasSubstr("Bad system call")) << deadly[i].name;
  }
}

TEST_P(BoxedEscapesTest, OutputEndsAtItsLimit) {
  limits_.output_bytes_max = kOutputMax;
  const Result<json> answer = Run(GetParam(), "confined", "write");
  ASSERT_TRUE(answer) << answer.error().cause;
  EXPECT_EQ(answer->at("attempts").at("errno"), EFBIG);
  EXPECT_EQ(output_bytes_, kOutputMax);
}

TEST_P(BoxedEscapesTest, TimeEndsAtItsLimit) {
  limits_.cpu_seconds_max = 1;
  EXPECT_EQ(ReasonOf("spin"), "media_resource");
}

// A signal that the child ignores is followed by one that it cannot.
TEST_P(BoxedEscapesTest, TimeEndsWhateverTheChildDoes) {
  limits_.cpu_seconds_max = 1;
  const Result<json> answer = Run(GetParam(), "confined", "spin_on");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().cause, testing::HasSubstr("Killed"));
}

#ifndef __SANITIZE_ADDRESS__  // which needs an address space without a limit
TEST_P(BoxedEscapesTest, MemoryEndsAtItsLimit) {
  limits_.memory_bytes_max = kMemoryMax;
  for (const char* task : {"memory", "address_space"}) {
    const Result<json> answer = Run(GetParam(), "confined", task);
    ASSERT_TRUE(answer) << answer.error().cause;
    EXPECT_EQ(answer->at("attempts").at("errno"), ENOMEM) << task;
    EXPECT_EQ(answer->at("container"), "mp3") << task;
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(Sandboxes, BoxedEscapesTest,
                         testing::Values(SandboxKind::kBubblewrap, SandboxKind::kSeccomp),
                         [](const auto& test) {
                           return std::string(test.param == SandboxKind::kBubblewrap ? "Bubblewrap"
                                                                                     : "Seccomp");
                         });

// The twin: with neither box nor filter the attempts meet the kernel itself, and few of them the
// same refusal (a container, or not being root, takes some calls away).
TEST_F(EscapesTest, WithoutTheSandboxTheyGetThrough) {
  const Result<json> answer = Run(SandboxKind::kSeccomp, "open", "all");
  ASSERT_TRUE(answer) << answer.error().cause;
  const json& attempts = answer->at("attempts");
  int through = 0;
  for (const auto& [name, error] : attempts.items()) through += error == EPERM ? 0 : 1;
  EXPECT_GE(through, 70);
  for (const char* name : {"open /etc/passwd", "connect IPv4", "fork", "a thread", "a device",
                           "signal a thread of the parent", "machine code", "more descriptors"}) {
    EXPECT_EQ(attempts.at(name), 0) << name;
  }
  EXPECT_EQ(listener_.Connections(), 1);
  for (size_t i = 0; i < DeadlyAttempts().size(); ++i) {
    EXPECT_TRUE(Run(SandboxKind::kSeccomp, "open", std::to_string(i))) << DeadlyAttempts()[i].name;
  }
}

TEST_F(EscapesTest, WithoutALimitThereIsMemory) {
  limits_.memory_bytes_max = 400'000 * kMegabyte;
  const Result<json> answer = Run(SandboxKind::kSeccomp, "open", "address_space");
  ASSERT_TRUE(answer) << answer.error().cause;
  EXPECT_EQ(answer->at("attempts").at("errno"), 0);
}

}  // namespace

void EscapeMain(const std::string& task) {
  const size_t how_end = task.find(':');
  const size_t port_end = task.find(':', how_end + 1);
  SetEscapePort(static_cast<uint16_t>(std::stoul(task.substr(how_end + 1))));
  if (task.starts_with("confined") && !platform::ConfineThisProcess({})) _exit(9);
  const json result{{"attempts", Perform(task.substr(port_end + 1))},
                    {"container", ProbeContainer()}};
  const std::string line = ResultEvent(result, {}) + "\n";
  if (!std::cmp_equal(write(kEventsFd, line.data(), line.size()), line.size())) _exit(8);
  _exit(0);
}

}  // namespace narralytica::media
