// Sound into a file that the parent opened: FLAC, or Opus in WebM. The bytes depend on the samples
// alone: no dates, versions or random ids. Private to the media child.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "media/audio_block.hpp"
#include "media/av.hpp"

namespace narralytica::media {

// A regular file written through its descriptor by position.
struct FdTarget {
  int fd = -1;
  int64_t bytes_max = 0;
  int64_t position = 0;
  int64_t bytes = 0;
  bool too_large = false;
  int error = 0;  // errno of the first failed write
};

class AudioEncoder {
 public:
  // 16 kHz mono 16-bit FLAC, level 5.
  static Result<std::unique_ptr<AudioEncoder>> OpenFlac(int fd, int64_t bytes_max);
  // 48 kHz Opus in WebM with cues: 48 kbit/s for one channel, 64 kbit/s for two.
  static Result<std::unique_ptr<AudioEncoder>> OpenOpus(int fd, int64_t bytes_max, int channels);
  AudioEncoder(const AudioEncoder&) = delete;
  AudioEncoder& operator=(const AudioEncoder&) = delete;

  // media_output_too_large, media_resource; kUnavailable when the disk refuses.
  Status Write(const AudioBlock& block);
  // Writes what is left and the index; the file is complete afterwards.
  Status Finish();
  int64_t samples() const { return samples_; }

 private:
  struct Settings;
  static Result<std::unique_ptr<AudioEncoder>> Open(const Settings& settings);
  explicit AudioEncoder(const FdTarget& target) : target_(target) {}
  Status OpenCodec(const Settings& settings);
  Status OpenFile(const Settings& settings);
  Status EncodeWaiting(bool all);
  Status Encode(size_t samples);
  Status Drain();
  Status Explain(const char* what, int error) const;

  FdTarget target_;
  AvPtr<AVIOContext> io_;
  std::unique_ptr<AVFormatContext, OutputDeleter> format_;
  AvPtr<AVCodecContext> codec_;
  AvPtr<AVFrame> frame_;
  AvPtr<AVPacket> packet_;
  AudioBlock waiting_;  // less than one frame of the codec between writes
  size_t taken_ = 0;    // samples of waiting_ already encoded
  int64_t samples_ = 0;
};

}  // namespace narralytica::media
