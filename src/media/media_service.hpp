// media: from a recording's untrusted bytes to sound that the rest can trust.
//
// Place in the flow: source -> media -> transcript. It owns what a recording is made into: 16 kHz
// mono FLAC for recognition, a playback rendition that every browser plays, peaks for drawing, a
// poster; offsets in all of them are offsets in the recording as a player shows it.
//
// Every call runs one or two short-lived, sandboxed child processes (see child.hpp); this process
// never parses a byte of a recording. What the child answers is checked like any other input. A
// recording can therefore at worst cost its own job: the limits of media_limits.hpp bound memory,
// CPU time and output, the deadline bounds the time, the reasons of media_error.hpp say what is
// wrong with it. The same recording gives the same bytes.
//
//   NRL_TRY(auto media, MediaService::Create(options));
//   NRL_TRY(auto prepared, media.Prepare({path, folder}, deadline));
//   NRL_CHECK(media.StreamPcm({.path = prepared.audio_path, .range = {0, 20'000}}, deadline,
//   sink));
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "media/media_info.hpp"
#include "media/media_limits.hpp"
#include "platform/process/sandbox.hpp"

namespace narralytica::media {

struct ChildProgram;

struct MediaServiceOptions {
  std::string program;  // the binary with the `media` command; empty: the running program
  std::vector<std::string> arguments{"media"};
  MediaLimits limits;
  platform::SandboxPolicy sandbox = platform::SandboxPolicy::kPreferred;
};

struct PrepareRequest {
  std::string input_path;          // a regular file
  int64_t input_offset_bytes = 0;  // where the recording begins in it
  std::string output_dir;  // exists; the outputs below are made in it, replacing what is there
};

struct MediaUsage {
  int64_t cpu_ms = 0;
  int64_t rss_bytes_max = 0;
};

struct PreparedMedia {
  MediaInfo info;
  std::string audio_path;                  // audio.flac: 16 kHz, mono, 16 bit
  std::string playback_path;               // playback.webm: Opus, mono or stereo
  std::string waveform_path;               // waveform.json: docs/formats/waveform.md
  std::optional<std::string> poster_path;  // poster.jpg: at most 640 wide, upright
  int64_t samples = 0;                     // of the FLAC; the truth about the length
  int64_t duration_ms = 0;                 // the same, rounded
  std::optional<double> loudness_lufs;     // BS.1770-4, of the rendition; absent for silence
  // Two channels: how alike they are, -1..1; near 0 they are separate microphones or speakers.
  std::optional<double> channel_correlation;
  // Codes of media_warning.hpp.
  std::vector<std::string> warnings;
  MediaUsage usage;
  platform::SandboxKind sandbox = platform::SandboxKind::kBubblewrap;
};

struct PcmRequest {
  std::string path;
  int64_t offset_bytes = 0;  // where the recording begins in the file
  TimeRange range;           // start_ms >= 0; what lies past the end is left out
  // The file is one that Prepare wrote: then seeking is exact, and any damage is media_damaged
  // (kCorrupt) rather than a hole. Other recordings are decoded from their beginning.
  bool own_flac = true;
};

// Both are called in the calling thread. An error from the sink ends the call with that error.
using MediaProgress = std::function<void(double fraction)>;  // 0..1, at most five a second
using PcmSink = std::function<Status(std::span<const int16_t> samples)>;

// Immutable, so thread-safe. Calls block until their child has ended, at most until the deadline
// (media_timeout) or its stop (kCanceled) and half a second.
class MediaService {
 public:
  // Proves with a trial request that the child starts and is confined here. kInvalid for limits
  // that make no sense, kUnavailable when it does not work, or not as safely as the policy demands.
  static Result<MediaService> Create(MediaServiceOptions options, const Deadline& deadline);

  Result<MediaInfo> Probe(const std::string& input_path, const Deadline& deadline) const;

  // On an error nothing of this call is left in the folder.
  Result<PreparedMedia> Prepare(const PrepareRequest& request, const Deadline& deadline,
                                const MediaProgress& progress = {}) const;

  // 16 kHz mono samples of the range, in order, in pieces of any size. Returns their number.
  Result<int64_t> StreamPcm(const PcmRequest& request, const Deadline& deadline,
                            const PcmSink& sink) const;

  platform::SandboxKind sandbox() const;
  // Why the sandbox is weaker than bubblewrap, to be logged once at start; else empty.
  const std::string& sandbox_fallback_cause() const;

 private:
  MediaService(MediaLimits limits, std::shared_ptr<const ChildProgram> program);
  Status PreparePoster(int input_fd, int output_fd, const Deadline& deadline,
                       PreparedMedia& prepared) const;

  MediaLimits limits_;
  std::shared_ptr<const ChildProgram> program_;
};

}  // namespace narralytica::media
