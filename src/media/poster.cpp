#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "media/input.hpp"
#include "media/media_error.hpp"
#include "media/operations.hpp"
#include "media/picture.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

constexpr int64_t kPlace = 10;           // where to look: a tenth into the recording
constexpr int kKeyFramesMax = 12;        // looked at before the best of them is taken
constexpr int64_t kPacketsMax = 20'000;  // read in search of them
constexpr double kContrastEnough = 12;

// Looks at key frames, one by one, for one that is not blank.
class PosterSearch {
 public:
  PosterSearch(Input& input, const StreamInfo& stream, const MediaLimits& limits)
      : input_(input), stream_(stream), limits_(limits) {}

  Result<Picture> Find() {
    NRL_TRY(decoder_, input_.OpenDecoder(stream_.index, limits_));
    packet_.reset(av_packet_alloc());
    frame_.reset(av_frame_alloc());
    if (!packet_ || !frame_) return FailMedia(MediaReason::kResource, "no memory for a frame");
    input_.Select(stream_.index);
    const bool moved = SeekToPlace();
    NRL_CHECK(LookAround());
    if (!best_ && moved) {
      av_seek_frame(input_.format(), -1, 0, AVSEEK_FLAG_BACKWARD);
      NRL_CHECK(LookAround());
    }
    if (!best_) return FailMedia(MediaReason::kDecodeFailed, "no picture could be decoded");
    return std::move(*best_);
  }

 private:
  bool SeekToPlace() {
    const int64_t duration_us = input_.format()->duration;
    if (stream_.kind == StreamKind::kCover || duration_us <= 0) return false;
    const int64_t start_us = std::max<int64_t>(input_.format()->start_time, 0);
    return av_seek_frame(input_.format(), -1, start_us + duration_us / kPlace,
                         AVSEEK_FLAG_BACKWARD) >= 0;
  }

  Status LookAround() {
    int key_frames = 0;
    for (int64_t packets = 0; packets < kPacketsMax && key_frames < kKeyFramesMax; ++packets) {
      NRL_TRY(const bool got, input_.ReadPacket(*packet_));
      if (!got) return {};
      const bool is_key =
          packet_->stream_index == stream_.index && (packet_->flags & AV_PKT_FLAG_KEY) != 0;
      if (is_key) {
        ++key_frames;
        NRL_CHECK(LookAtKeyFrame());
      }
      av_packet_unref(packet_.get());
      if (best_contrast_ >= kContrastEnough) return {};
    }
    return {};
  }

  // Decodes it alone; what fails is passed over.
  Status LookAtKeyFrame() {
    int error = avcodec_send_packet(decoder_.get(), packet_.get());
    if (error >= 0) error = avcodec_send_packet(decoder_.get(), nullptr);
    if (error >= 0) error = avcodec_receive_frame(decoder_.get(), frame_.get());
    avcodec_flush_buffers(decoder_.get());
    if (error == AVERROR(ENOMEM)) return FailMedia(MediaReason::kResource, "a picture: no memory");
    if (error < 0 || frame_->width <= 0 || frame_->height <= 0) return {};
    if (static_cast<int64_t>(frame_->width) * frame_->height > limits_.frame_pixels_max) {
      return FailMedia(MediaReason::kTooLargeFrame);
    }
    const AVRational aspect =
        av_guess_sample_aspect_ratio(input_.format(), input_.stream(stream_.index), frame_.get());
    Result<Picture> picture = MakePicture(*frame_, aspect, stream_.rotation_degrees);
    if (!picture) return {};
    const double contrast = Contrast(*picture);
    if (best_ && contrast <= best_contrast_) return {};
    best_ = std::move(*picture);
    best_contrast_ = contrast;
    return {};
  }

  Input& input_;
  const StreamInfo& stream_;
  const MediaLimits& limits_;
  AvPtr<AVCodecContext> decoder_;
  AvPtr<AVPacket> packet_;
  AvPtr<AVFrame> frame_;
  std::optional<Picture> best_;
  double best_contrast_ = -1;
};

}  // namespace

Result<Poster> MakePoster(int input_fd, int output_fd, const MediaLimits& limits) {
  const Budget budget(limits);
  NRL_TRY(const auto input, Input::Open(input_fd, limits, budget));
  const std::optional<int64_t> index = input->info().video_stream;
  if (!index) return FailMedia(MediaReason::kDecodeFailed, "no stream with pictures");
  const StreamInfo stream = input->info().streams[static_cast<size_t>(*index)];
  NRL_TRY(const Picture picture, PosterSearch(*input, stream, limits).Find());
  NRL_TRY(const std::vector<uint8_t> jpeg, EncodeJpeg(picture));
  if (std::cmp_greater(jpeg.size(), limits.output_bytes_max)) {
    return FailMedia(MediaReason::kOutputTooLarge);
  }
  const ssize_t wrote = pwrite(output_fd, jpeg.data(), jpeg.size(), 0);
  if (!std::cmp_equal(wrote, jpeg.size())) {
    return Fail(platform::ErrnoError("the poster", wrote < 0 ? errno : ENOSPC));
  }
  return Poster{picture.width, picture.height};
}

}  // namespace narralytica::media
