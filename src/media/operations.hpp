// What the media child does with a recording, one function per operation of the protocol. They
// touch only the descriptors they are given, so that they run inside the strictest sandbox.
// Private to the module.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "media/media_info.hpp"
#include "media/media_limits.hpp"

namespace narralytica::media {

// Called with the fraction done, 0..1, after every few blocks.
using ProgressFn = std::function<void(double fraction)>;

Result<MediaInfo> ProbeMedia(int input_fd, const MediaLimits& limits);

struct PrepareFds {
  int input = -1;
  int audio = -1;     // FLAC out
  int playback = -1;  // Opus in WebM out
  int waveform = -1;  // JSON out
};
struct Prepared {
  MediaInfo info;
  int64_t samples = 0;  // of the FLAC, 16 kHz
  std::optional<double> loudness_lufs;
  std::optional<double> channel_correlation;
  std::vector<std::string> warnings;  // codes of media_warning.hpp
};
Result<Prepared> PrepareAudio(const PrepareFds& fds, const MediaLimits& limits,
                              const ProgressFn& progress);

struct PcmTask {
  int input_fd = -1;
  int output_fd = -1;  // a pipe
  TimeRange range;
  bool own_flac = false;  // prepared by us: any damage is media_damaged
};
// Samples written: fewer than asked when the recording ends within the range.
Result<int64_t> DecodePcm(const PcmTask& task, const MediaLimits& limits);

struct Poster {
  int64_t width = 0;
  int64_t height = 0;
};
// JPEG. media_decode_failed when no picture could be decoded.
Result<Poster> MakePoster(int input_fd, int output_fd, const MediaLimits& limits);

}  // namespace narralytica::media
