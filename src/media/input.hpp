// An untrusted recording, opened from a file descriptor and nothing else: no name, no protocol, no
// second file. Only demuxers and decoders of an allow-list are ever asked to read it. Private to
// the media child.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.hpp"
#include "media/av.hpp"
#include "media/budget.hpp"
#include "media/media_info.hpp"
#include "media/media_limits.hpp"

namespace narralytica::media {

// A regular file read through its descriptor by position, so that the descriptor may be shared. The
// recording begins at `base`, where the descriptor stood, and ends with the file.
struct FdSource {
  int fd = -1;
  int64_t base = 0;
  int64_t bytes = 0;
  int64_t position = 0;
  bool failed = false;  // the file system, not the recording, gave an error
};

class Input {
 public:
  // Opens and probes from where `fd` stands, which is left there. `fd` (borrowed) and `budget` must
  // outlive the result. Fails with media_empty, media_unreadable, media_encrypted, media_too_large,
  // media_too_many_streams, media_too_large_frame or media_resource; kUnavailable when the file
  // cannot be read.
  static Result<std::unique_ptr<Input>> Open(int fd, const MediaLimits& limits,
                                             const Budget& budget);
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const MediaInfo& info() const { return info_; }
  AVFormatContext* format() { return format_.get(); }
  AVStream* stream(int64_t index) { return format_->streams[index]; }
  // A decoder for the stream, from the allow-list, bounded and single-threaded; media_decode_failed
  // when there is none, media_too_many_channels, media_bad_sample_rate, media_too_large_frame.
  Result<AvPtr<AVCodecContext>> OpenDecoder(int64_t index, const MediaLimits& limits);
  // Everything but this stream is skipped while reading.
  void Select(int64_t index);
  // False at the end of the recording. Fails with media_resource, or kUnavailable for the file
  // system; damage inside the recording is the end (see damaged()).
  Result<bool> ReadPacket(AVPacket& packet);
  // Reading ended by damage or by missing bytes rather than at the proper end.
  bool damaged() const { return damaged_; }
  // How far the reading is, 0..1, by position in the file.
  double fraction() const;

 private:
  Input(const FdSource& source, const Budget& budget) : source_(source), budget_(budget) {}
  Status OpenFormat(const MediaLimits& limits);
  Status CheckStreams(const MediaLimits& limits);

  FdSource source_;
  const Budget& budget_;
  AvPtr<AVIOContext> io_;
  std::unique_ptr<AVFormatContext, InputDeleter> format_;  // after io_: closed first
  MediaInfo info_;
  bool damaged_ = false;
};

}  // namespace narralytica::media
