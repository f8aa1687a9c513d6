#include "media/child_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include "media/clean_text.hpp"
#include "media/media_error.hpp"

namespace narralytica::media {
namespace {

using platform::FileDescriptor;
using platform::Pipe;

constexpr std::chrono::milliseconds kPollSlice{50};
constexpr size_t kReadBytes = 256 * 1'024;
constexpr size_t kStderrBytesMax = 4 * 1'024;
constexpr uint64_t kOpenFilesMax = 64;
constexpr int kPcmPipeBytes = 1'024 * 1'024;
constexpr int64_t kSamplesPerMs = 16;

class Conversation {
 public:
  Conversation(const ChildProgram& program, const ChildJob& job) : program_(program), job_(job) {}

  Result<ChildAnswer> Run(const Deadline& deadline) {
    NRL_CHECK(Start());
    NRL_CHECK(Listen(deadline));
    const Result<platform::ChildExit> exit = child_->Wait(deadline);
    if (!exit) return Fail(DeadlineError(deadline));
    return Conclude(program_.sandbox.Unwrap(*exit));
  }

 private:
  Status Start();
  Status Listen(const Deadline& deadline);
  Status OnEvents(std::span<const char> bytes);
  Status OnLine(std::string_view line);
  Status OnPcm(std::span<const char> bytes);
  void OnStderr(std::span<const char> bytes);
  Result<ChildAnswer> Conclude(const platform::ChildExit& exit) const;
  static Error DeadlineError(const Deadline& deadline);

  const ChildProgram& program_;
  const ChildJob& job_;
  std::optional<platform::ChildProcess> child_;
  FileDescriptor events_;
  FileDescriptor stderr_;
  FileDescriptor pcm_;
  std::string line_;
  std::string stderr_text_;
  std::string pcm_carry_;  // an odd byte
  int64_t pcm_samples_ = 0;
  std::optional<MediaEvent> answer_;
};

platform::ChildLimits KernelLimits(const MediaLimits& limits) {
  platform::ChildLimits kernel;
  kernel.cpu_seconds = static_cast<uint64_t>(limits.cpu_seconds_max);
  kernel.open_files = kOpenFilesMax;
  kernel.file_bytes = static_cast<uint64_t>(limits.output_bytes_max);
#ifndef __SANITIZE_ADDRESS__
  kernel.address_space_bytes = static_cast<uint64_t>(limits.memory_bytes_max);
#endif
  return kernel;
}

Status Conversation::Start() {
  NRL_TRY(Pipe request, Pipe::Create());
  NRL_TRY(Pipe events, Pipe::Create());
  NRL_TRY(Pipe errors, Pipe::Create());
  NRL_TRY(Pipe pcm, Pipe::Create());
  MediaRequest message = job_.request;
  message.unshare_network = program_.sandbox.kind() == platform::SandboxKind::kSeccomp;
  const std::string text = Encode(message);
  NRL_ASSERT(text.size() < 4'096);  // fits into an empty pipe
  if (!std::cmp_equal(write(request.write_end.get(), text.data(), text.size()), text.size())) {
    return Fail(platform::ErrnoError("a pipe", errno));
  }
  request.write_end.Close();
  fcntl(pcm.write_end.get(), F_SETPIPE_SZ, kPcmPipeBytes);  // only for speed

  platform::ChildOptions options;
  options.program = program_.path;
  options.arguments = program_.arguments;
  options.environment_kept = {};
  options.limits = KernelLimits(job_.request.limits);
  options.fds = {{errors.write_end.get(), STDERR_FILENO},
                 {request.read_end.get(), kRequestFd},
                 {events.write_end.get(), kEventsFd}};
  if (job_.input_fd >= 0) options.fds.push_back({job_.input_fd, kInputFd});
  int output = kFirstOutputFd;
  if (job_.on_pcm) options.fds.push_back({pcm.write_end.get(), output++});
  for (const int fd : job_.output_fds) options.fds.push_back({fd, output++});
  NRL_TRY(child_, platform::ChildProcess::Spawn(program_.sandbox.Wrap(std::move(options))));
  events_ = std::move(events.read_end);
  stderr_ = std::move(errors.read_end);
  if (job_.on_pcm) pcm_ = std::move(pcm.read_end);
  return {};
}

Error Conversation::DeadlineError(const Deadline& deadline) {
  if (deadline.stopped()) return deadline.Check("reading the recording").error();
  return MediaError(MediaReason::kTimeout);
}

// Until the child has closed all its ends.
Status Conversation::Listen(const Deadline& deadline) {
  std::vector<char> buffer(kReadBytes);
  const std::array<FileDescriptor*, 3> sources{&events_, &stderr_, &pcm_};
  while (std::ranges::any_of(sources, &FileDescriptor::valid)) {
    if (!deadline.Check("")) return Fail(DeadlineError(deadline));
    std::array<pollfd, 3> watched{};
    for (size_t i = 0; i < sources.size(); ++i) watched[i] = {sources[i]->get(), POLLIN, 0};
    poll(watched.data(), watched.size(), static_cast<int>(deadline.Left(kPollSlice).count()));
    for (size_t i = 0; i < sources.size(); ++i) {
      if (watched[i].revents == 0) continue;
      const ssize_t got = read(sources[i]->get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        sources[i]->Close();
        continue;
      }
      const std::span bytes(buffer.data(), static_cast<size_t>(got));
      if (sources[i] == &stderr_) OnStderr(bytes);
      if (sources[i] == &events_) NRL_CHECK(OnEvents(bytes));
      if (sources[i] == &pcm_) NRL_CHECK(OnPcm(bytes));
    }
  }
  return {};
}

Status Conversation::OnEvents(std::span<const char> bytes) {
  for (const char byte : bytes) {
    if (byte == '\n') {
      NRL_CHECK(OnLine(line_));
      line_.clear();
    } else if (line_.size() < kEventBytesMax) {
      line_ += byte;
    } else {
      return FailMedia(MediaReason::kDecodeFailed, "the media process wrote too long a line");
    }
  }
  return {};
}

Status Conversation::OnLine(std::string_view line) {
  if (answer_) return FailMedia(MediaReason::kDecodeFailed, "a second answer");
  NRL_TRY(MediaEvent event, DecodeEvent(line));
  if (!event.progress) {
    answer_ = std::move(event);
  } else if (job_.on_progress) {
    job_.on_progress(*event.progress);
  }
  return {};
}

Status Conversation::OnPcm(std::span<const char> bytes) {
  std::vector<int16_t> samples((pcm_carry_.size() + bytes.size()) / sizeof(int16_t));
  auto* target = reinterpret_cast<char*>(samples.data());
  const size_t carried = std::min(pcm_carry_.size(), samples.size() * sizeof(int16_t));
  const size_t fresh = samples.size() * sizeof(int16_t) - carried;
  std::copy_n(pcm_carry_.data(), carried, target);
  std::copy_n(bytes.data(), fresh, target + carried);
  pcm_carry_.erase(0, carried);
  pcm_carry_.append(bytes.data() + fresh, bytes.size() - fresh);
  pcm_samples_ += std::ssize(samples);
  if (pcm_samples_ > job_.request.range.duration_ms() * kSamplesPerMs) {
    return FailMedia(MediaReason::kDecodeFailed, "the media process sent more than was asked for");
  }
  return samples.empty() ? Status{} : job_.on_pcm(samples);
}

void Conversation::OnStderr(std::span<const char> bytes) {
  const size_t room = kStderrBytesMax - stderr_text_.size();
  stderr_text_.append(bytes.data(), std::min(room, bytes.size()));
}

Result<ChildAnswer> Conversation::Conclude(const platform::ChildExit& exit) const {
  if (answer_ && answer_->error) return Fail(*answer_->error);
  const std::string cause = fmt::format("the media process ended with {}: {}", exit.Describe(),
                                        CleanText(stderr_text_, kStderrBytesMax));
  if (exit.signaled) {
    const bool killed = exit.status == SIGKILL;
    const bool out_of_time = exit.status == SIGXCPU;
    return FailMedia(killed        ? MediaReason::kKilled
                     : out_of_time ? MediaReason::kResource
                                   : MediaReason::kDecodeFailed,
                     cause);
  }
  if (!exit.ok() || !answer_) return FailMedia(MediaReason::kChildFailed, cause);
  const platform::ChildUsage& kernel = exit.usage;
  return ChildAnswer{*answer_->result,
                     {std::max(kernel.user_ms + kernel.system_ms, answer_->usage.cpu_ms),
                      std::max(kernel.rss_bytes_max, answer_->usage.rss_bytes_max)}};
}

}  // namespace

Result<ChildAnswer> RunChild(const ChildProgram& program, const ChildJob& job,
                             const Deadline& deadline) {
  return Conversation(program, job).Run(deadline);
}

}  // namespace narralytica::media
