#include "media/media_service.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include "media/child_run.hpp"
#include "media/media_samples.hpp"

namespace narralytica::media {
namespace {

using platform::FileDescriptor;
using platform::Sandbox;
using platform::SandboxKind;
using platform::SandboxPolicy;
using testing::IsEmpty;

constexpr std::chrono::seconds kTimeout{60};

Deadline Soon() { return Deadline::In(kTimeout); }

class MediaServiceTest : public testing::Test {
 protected:
  MediaServiceTest()
      : folder_(platform::TemporaryFolder::Create(testing::TempDir(), "media").value()) {}

  static const MediaService& Service() {
    static const MediaService service = MediaService::Create({}, Soon()).value();
    return service;
  }
  std::vector<std::string> FilesIn(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  platform::TemporaryFolder folder_;
};

TEST_F(MediaServiceTest, PreparesAVideoThroughTheSandbox) {
  std::vector<double> progress;
  const Result<PreparedMedia> prepared =
      Service().Prepare({.input_path = Sample("speech.mp4"), .output_dir = folder_.path()}, Soon(),
                        [&](double fraction) { progress.push_back(fraction); });
  ASSERT_TRUE(prepared) << prepared.error().cause;
  EXPECT_NEAR(static_cast<double>(prepared->samples), 96'000, kAacFrame);
  EXPECT_NEAR(static_cast<double>(prepared->duration_ms), prepared->samples / 16.0, 1);
  EXPECT_EQ(prepared->info.title, "Inaugural address");
  EXPECT_THAT(prepared->warnings, IsEmpty());
  EXPECT_GT(prepared->usage.cpu_ms, 0);
  EXPECT_GT(prepared->usage.rss_bytes_max, 1'000'000);
  EXPECT_EQ(prepared->sandbox, Service().sandbox());
  EXPECT_FALSE(progress.empty());
  EXPECT_THAT(FilesIn(folder_.path()),
              testing::ElementsAre("audio.flac", "playback.webm", "poster.jpg", "waveform.json"));

  std::vector<int16_t> pcm;
  const auto collect = [&](std::span<const int16_t> piece) -> Status {
    pcm.insert(pcm.end(), piece.begin(), piece.end());
    return {};
  };
  const Result<int64_t> samples = Service().StreamPcm(
      {.path = prepared->audio_path, .range = {1'000, 90'000}}, Soon(), collect);
  ASSERT_TRUE(samples) << samples.error().cause;
  EXPECT_EQ(*samples, prepared->samples - 16'000);
  EXPECT_EQ(std::ssize(pcm), *samples);
}

TEST_F(MediaServiceTest, ARecordingMayBeginInsideAFile) {
  const std::string path = folder_.path() + "/object";
  WriteAll(path, "HEADER" + Wav(Tone(440, 16'000, 16'000)));
  const Result<PreparedMedia> prepared = Service().Prepare(
      {.input_path = path, .input_offset_bytes = 6, .output_dir = folder_.path()}, Soon());
  ASSERT_TRUE(prepared) << prepared.error().cause;
  EXPECT_EQ(prepared->samples, 16'000);
  EXPECT_FALSE(prepared->poster_path);
}

TEST_F(MediaServiceTest, ARefusalLeavesNothingBehind) {
  const Result<PreparedMedia> prepared = Service().Prepare(
      {.input_path = Sample("video_only.mp4"), .output_dir = folder_.path()}, Soon());
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().reason, "media_no_audio");
  EXPECT_EQ(prepared.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(FilesIn(folder_.path()), IsEmpty());
}

TEST_F(MediaServiceTest, ProbesAndRefusesWhatIsNoRegularFile) {
  const Result<MediaInfo> info = Service().Probe(Sample("two_tracks.mkv"), Soon());
  ASSERT_TRUE(info) << info.error().cause;
  EXPECT_EQ(info->chapters.size(), 2U);
  EXPECT_EQ(Service().Probe(folder_.path(), Soon()).error().reason, "media_unreadable");
  const std::string fifo = folder_.path() + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(Service().Probe(fifo, Soon()).error().reason, "media_unreadable");
  EXPECT_EQ(Service().Probe(folder_.path() + "/none", Soon()).error().code, ErrorCode::kNotFound);
}

TEST_F(MediaServiceTest, TheSinkMayEndTheStream) {
  const Result<int64_t> samples = Service().StreamPcm(
      {.path = Sample("speech.mp3"), .range = {0, 6'000}, .own_flac = false}, Soon(),
      [](std::span<const int16_t>) -> Status { return Fail(ErrorCode::kConflict, "enough"); });
  ASSERT_FALSE(samples);
  EXPECT_EQ(samples.error().code, ErrorCode::kConflict);
}

TEST_F(MediaServiceTest, ProductionInsistsOnTheSandbox) {
  const Result<Sandbox> required =
      Sandbox::Create(SandboxPolicy::kRequired, "/usr/bin/no-such-bubblewrap");
  ASSERT_FALSE(required);
  EXPECT_EQ(required.error().code, ErrorCode::kUnavailable);
  MediaServiceOptions options;
  options.limits.streams_max = 0;
  EXPECT_EQ(MediaService::Create(options, Soon()).error().code, ErrorCode::kInvalid);
}

// Children that do what they should not, under each kind of sandbox.
class BadChildTest : public testing::TestWithParam<SandboxKind> {
 protected:
  static Sandbox Box() {
    const bool boxed = GetParam() == SandboxKind::kBubblewrap;
    return Sandbox::Create(SandboxPolicy::kPreferred,
                           boxed ? "/usr/bin/bwrap" : "/usr/bin/no-such-bubblewrap")
        .value();
  }
  void SetUp() override {
    if (Box().kind() != GetParam()) GTEST_SKIP() << "bubblewrap does not work on this machine";
  }

  static Result<ChildAnswer> Run(const std::string& how, const Deadline& deadline,
                                 std::function<void(double)> on_progress = {}) {
    const FileDescriptor input(open(Sample("speech.mp3").c_str(), O_RDONLY | O_CLOEXEC));
    ChildJob job;
    job.request.range = {0, 1'000};
    job.input_fd = input.get();
    job.on_progress = std::move(on_progress);
    job.on_pcm = [](std::span<const int16_t>) { return Status{}; };
    const ChildProgram program{platform::ProgramPath(), {"bad", how}, Box()};
    return RunChild(program, job, deadline);
  }
  static Error ErrorOf(const std::string& how) {
    const Result<ChildAnswer> answer = Run(how, Soon());
    return answer ? Error{ErrorCode::kInternal, "no error", {}, {}, {}} : answer.error();
  }
};

TEST_P(BadChildTest, CannotReachAnythingButItsDescriptors) {
  const Result<ChildAnswer> answer = Run("attack", Soon());
  ASSERT_TRUE(answer) << answer.error().cause;
  const auto attempts = nlohmann::json::parse(answer->result);
  for (const auto& [what, error] : attempts.items()) {
    EXPECT_EQ(error, what == "write_input" ? EBADF : EPERM) << what;
  }
}

TEST_P(BadChildTest, IsKilledForExecuting) {
  const Error error = ErrorOf("execute");
  EXPECT_EQ(error.reason, "media_decode_failed");
  EXPECT_THAT(error.cause, testing::HasSubstr("Bad system call"));
}

TEST_P(BadChildTest, ItsEndIsExplained) {
#ifndef __SANITIZE_ADDRESS__  // which turns the signal into an exit status
  EXPECT_EQ(ErrorOf("crash").reason, "media_decode_failed");
#endif
  EXPECT_EQ(ErrorOf("killed").reason, "media_killed");
  EXPECT_EQ(ErrorOf("silent").reason, "media_child_failed");
  EXPECT_EQ(ErrorOf("fail").reason, "media_child_failed");
}

TEST_P(BadChildTest, IsEndedWhenItComputesLongerThanItsSoundHasEarned) {
  const Error error = ErrorOf("compute");
  EXPECT_EQ(error.reason, "media_resource");
  EXPECT_THAT(error.cause, testing::HasSubstr("CPU time limit"));
}

TEST_P(BadChildTest, IsNotBelieved) {
  for (const char* how : {"babble", "twice", "endless_line", "endless_pcm"}) {
    EXPECT_EQ(ErrorOf(how).reason, "media_decode_failed") << how;
  }
}

std::string ChildrenOfThisProcess() {
  return ReadAll("/proc/self/task/" + std::to_string(getpid()) + "/children");
}

TEST_P(BadChildTest, AStopEndsItSoonAndWholly) {
  const std::string before = ChildrenOfThisProcess();
  std::stop_source stop;
  std::chrono::steady_clock::time_point stopped;
  const Result<ChildAnswer> answer =
      Run("hang", Deadline::In(kTimeout, stop.get_token()), [&](double) {
        stopped = std::chrono::steady_clock::now();
        stop.request_stop();
      });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kCanceled);
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::seconds(2));
  EXPECT_EQ(ChildrenOfThisProcess(), before);
}

TEST_P(BadChildTest, TheDeadlineEndsIt) {
  const std::string before = ChildrenOfThisProcess();
  const Result<ChildAnswer> answer = Run("hang", Deadline::In(std::chrono::milliseconds(200)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "media_timeout");
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(ChildrenOfThisProcess(), before);
}

INSTANTIATE_TEST_SUITE_P(Sandboxes, BadChildTest,
                         testing::Values(SandboxKind::kBubblewrap, SandboxKind::kSeccomp),
                         [](const auto& test) {
                           return std::string(test.param == SandboxKind::kBubblewrap ? "Bubblewrap"
                                                                                     : "Seccomp");
                         });

}  // namespace
}  // namespace narralytica::media
