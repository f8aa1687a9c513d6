// What a recording is: the answer of a probe, without decoding more than its first seconds.
//
// Texts come from the file: valid UTF-8 without control characters, bounded, but not to be trusted
// in any other way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace narralytica::media {

enum class StreamKind { kAudio, kVideo, kCover, kSubtitle, kOther };

struct StreamInfo {
  int64_t index = 0;  // in the file
  StreamKind kind = StreamKind::kOther;
  std::string codec;     // libav's name: "aac", "h264"
  std::string language;  // as tagged, usually ISO 639-2; may be empty
  bool is_default = false;
  int64_t channels = 0;          // audio
  int64_t sample_rate = 0;       // audio, Hz
  int64_t width = 0;             // video and cover, pixels as coded
  int64_t height = 0;            //
  double frame_rate = 0;         // video, 1/s; 0 when unknown
  int64_t rotation_degrees = 0;  // video: clockwise turn for display, one of 0, 90, 180, 270
  bool operator==(const StreamInfo&) const = default;
};

struct Chapter {
  TimeRange range;
  std::string title;
  bool operator==(const Chapter&) const = default;
};

struct MediaInfo {
  static constexpr size_t kChaptersMax = 1'000;
  static constexpr size_t kTextBytesMax = 512;

  std::string container;  // libav's name: "mov,mp4,m4a,3gp,3g2,mj2"
  int64_t bytes = 0;
  // What the header says; only decoding tells the truth. Absent when the header says nothing.
  std::optional<int64_t> declared_duration_ms;
  bool declared_is_estimate = false;  // made from the bit rate rather than stated by the file
  std::vector<StreamInfo> streams;    // at most MediaLimits::streams_max
  // The stream to listen to: marked default, then most channels, then first. Absent: no audio.
  std::optional<int64_t> audio_stream;
  // The stream to look at: first moving picture, else a cover picture. Absent: neither.
  std::optional<int64_t> video_stream;
  std::string title;
  std::string date;  // as tagged
  std::vector<Chapter> chapters;
  bool operator==(const MediaInfo&) const = default;
};

}  // namespace narralytica::media
