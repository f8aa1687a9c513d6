#include "media/media_service.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include <fmt/ranges.h>
#include "media/child_run.hpp"
#include "media/media_error.hpp"
#include "media/media_warning.hpp"
#include "media/protocol.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

using platform::FileDescriptor;

constexpr int64_t kAudioRate = 16'000;
constexpr std::chrono::seconds kPosterTimeout{60};
constexpr int64_t kPosterBytesMax = 4 * 1'024 * 1'024;

// The recording begins where the descriptor stands.
Result<FileDescriptor> OpenInput(const std::string& path, int64_t offset_bytes = 0) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!file.valid() || fstat(file.get(), &status) != 0) {
    return Fail(platform::ErrnoError("the recording", errno));
  }
  if (!S_ISREG(status.st_mode)) return FailMedia(MediaReason::kUnreadable, "not a regular file");
  if (lseek(file.get(), offset_bytes, SEEK_SET) != offset_bytes) {
    return Fail(platform::ErrnoError("the recording", errno));
  }
  return file;
}

// Files that are removed again unless they are kept.
class OutputFiles {
 public:
  explicit OutputFiles(std::string folder) : folder_(std::move(folder)) {}
  OutputFiles(const OutputFiles&) = delete;
  OutputFiles& operator=(const OutputFiles&) = delete;
  ~OutputFiles() {
    std::error_code ignored;
    for (const std::string& path : paths_) std::filesystem::remove(path, ignored);
  }

  Result<std::string> Make(const char* name) {
    std::string path = (std::filesystem::path(folder_) / name).string();
    FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.valid()) return Fail(platform::ErrnoError("a prepared file", errno));
    paths_.push_back(path);
    files_.push_back(std::move(file));
    return path;
  }
  std::vector<int> fds() const {
    std::vector<int> all;
    for (const FileDescriptor& file : files_) all.push_back(file.get());
    return all;
  }
  void Keep() { paths_.clear(); }

 private:
  std::string folder_;
  std::vector<std::string> paths_;
  std::vector<FileDescriptor> files_;
};

void AddUsage(const SelfUsage& usage, MediaUsage& total) {
  total.cpu_ms += usage.cpu_ms;
  total.rss_bytes_max = std::max(total.rss_bytes_max, usage.rss_bytes_max);
}

}  // namespace

MediaService::MediaService(MediaLimits limits, std::shared_ptr<const ChildProgram> program)
    : limits_(limits), program_(std::move(program)) {}

Result<MediaService> MediaService::Create(MediaServiceOptions options, const Deadline& deadline) {
  if (const auto problems = options.limits.Validate(); !problems.empty()) {
    return Fail(ErrorCode::kInvalid, fmt::format("{}", fmt::join(problems, "; ")),
                "correct the configuration");
  }
  NRL_TRY(platform::Sandbox sandbox, platform::Sandbox::Create(options.sandbox));
  std::string path = options.program.empty() ? platform::ProgramPath() : options.program;
  MediaService service(options.limits,
                       std::make_shared<const ChildProgram>(ChildProgram{
                           std::move(path), std::move(options.arguments), std::move(sandbox)}));
  ChildJob hello;
  hello.request.limits = options.limits;
  NRL_CHECK(RunChild(*service.program_, hello, deadline));
  return service;
}

platform::SandboxKind MediaService::sandbox() const { return program_->sandbox.kind(); }

const std::string& MediaService::sandbox_fallback_cause() const {
  return program_->sandbox.fallback_cause();
}

Result<MediaInfo> MediaService::Probe(const std::string& input_path,
                                      const Deadline& deadline) const {
  NRL_TRY(const FileDescriptor input, OpenInput(input_path));
  ChildJob job;
  job.request.op = MediaOp::kProbe;
  job.request.limits = limits_;
  job.input_fd = input.get();
  NRL_TRY(const ChildAnswer answer, RunChild(*program_, job, deadline));
  return DecodeInfo(answer.result, limits_);
}

Result<PreparedMedia> MediaService::Prepare(const PrepareRequest& request, const Deadline& deadline,
                                            const MediaProgress& progress) const {
  NRL_TRY(const FileDescriptor input, OpenInput(request.input_path, request.input_offset_bytes));
  OutputFiles outputs(request.output_dir);
  PreparedMedia prepared;
  NRL_TRY(prepared.audio_path, outputs.Make("audio.flac"));
  NRL_TRY(prepared.playback_path, outputs.Make("playback.webm"));
  NRL_TRY(prepared.waveform_path, outputs.Make("waveform.json"));
  ChildJob job;
  job.request.op = MediaOp::kPrepare;
  job.request.limits = limits_;
  job.input_fd = input.get();
  job.output_fds = outputs.fds();
  job.on_progress = progress;
  NRL_TRY(const ChildAnswer answer, RunChild(*program_, job, deadline));
  NRL_TRY(Prepared made, DecodePrepared(answer.result, limits_));
  prepared.info = std::move(made.info);
  prepared.samples = made.samples;
  prepared.duration_ms = (made.samples * 1'000 + kAudioRate / 2) / kAudioRate;
  prepared.loudness_lufs = made.loudness_lufs;
  prepared.channel_correlation = made.channel_correlation;
  prepared.warnings = std::move(made.warnings);
  prepared.sandbox = sandbox();
  AddUsage(answer.usage, prepared.usage);
  if (prepared.info.video_stream) {
    OutputFiles poster(request.output_dir);
    NRL_TRY(prepared.poster_path, poster.Make("poster.jpg"));
    NRL_CHECK(PreparePoster(input.get(), poster.fds()[0], deadline, prepared));
    if (prepared.poster_path) poster.Keep();
  }
  outputs.Keep();
  return prepared;
}

// A child of its own: a picture that crashes its decoder must not cost the recording its sound.
Status MediaService::PreparePoster(int input_fd, int output_fd, const Deadline& deadline,
                                   PreparedMedia& prepared) const {
  ChildJob job;
  job.request.op = MediaOp::kPoster;
  job.request.limits = limits_;
  job.request.limits.output_bytes_max = std::min(limits_.output_bytes_max, kPosterBytesMax);
  job.input_fd = input_fd;
  job.output_fds = {output_fd};
  const auto timeout = deadline.Left(kPosterTimeout);
  const Result<ChildAnswer> answer =
      RunChild(*program_, job, Deadline::In(timeout, deadline.stop()));
  if (deadline.stopped()) return deadline.Check("reading the recording");
  if (!answer || !DecodePoster(answer->result)) {
    prepared.poster_path.reset();
    prepared.warnings.emplace_back(kPosterFailed);
    return {};
  }
  AddUsage(answer->usage, prepared.usage);
  return {};
}

Result<int64_t> MediaService::StreamPcm(const PcmRequest& request, const Deadline& deadline,
                                        const PcmSink& sink) const {
  if (request.range.start_ms < 0 || request.range.end_ms < request.range.start_ms ||
      request.range.end_ms > limits_.decoded_duration_ms_max + 1'000) {
    return Fail(ErrorCode::kInvalid, "the time range lies outside any recording",
                "ask for a range within the recording");
  }
  NRL_TRY(const FileDescriptor input, OpenInput(request.path, request.offset_bytes));
  ChildJob job;
  job.request = {
      .op = MediaOp::kPcm, .limits = limits_, .range = request.range, .own_flac = request.own_flac};
  job.input_fd = input.get();
  int64_t samples = 0;
  job.on_pcm = [&](std::span<const int16_t> piece) {
    samples += std::ssize(piece);
    return sink(piece);
  };
  NRL_TRY(const ChildAnswer answer, RunChild(*program_, job, deadline));
  NRL_TRY(const int64_t sent, DecodeSamples(answer.result));
  if (sent != samples) return FailMedia(MediaReason::kDecodeFailed, "samples were lost");
  return samples;
}

}  // namespace narralytica::media
