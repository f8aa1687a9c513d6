#include "media/audio_encoder.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "media/media_error.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

constexpr int kIoBufferBytes = 64 * 1024;

int WriteTarget(void* opaque, uint8_t* buffer, int bytes) {
  auto& target = *static_cast<FdTarget*>(opaque);
  if (target.position + bytes > target.bytes_max) {
    target.too_large = true;
    return AVERROR(EFBIG);
  }
  for (int done = 0; done < bytes;) {
    const ssize_t wrote =
        pwrite(target.fd, buffer + done, static_cast<size_t>(bytes - done), target.position + done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      target.error = errno;
      return AVERROR(errno);
    }
    done += static_cast<int>(wrote);
  }
  target.position += bytes;
  target.bytes = std::max(target.bytes, target.position);
  return bytes;
}

int64_t SeekTarget(void* opaque, int64_t offset, int whence) {
  auto& target = *static_cast<FdTarget*>(opaque);
  int64_t place = 0;
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return target.bytes;
    case SEEK_SET:
      place = offset;
      break;
    case SEEK_CUR:
      place = target.position + offset;
      break;
    case SEEK_END:
      place = target.bytes + offset;
      break;
    default:
      return AVERROR(EINVAL);
  }
  if (place < 0) return AVERROR(EINVAL);
  return target.position = place;
}

}  // namespace

struct AudioEncoder::Settings {
  const char* muxer;
  const char* codec;
  AVSampleFormat sample_format;  // S16 or interleaved FLT
  int sample_rate;
  int channels;
  int64_t bit_rate;
  const char* codec_options;  // "key=value:key=value"
  FdTarget target;
};

Result<std::unique_ptr<AudioEncoder>> AudioEncoder::OpenFlac(int fd, int64_t bytes_max) {
  return Open({.muxer = "flac",
               .codec = "flac",
               .sample_format = AV_SAMPLE_FMT_S16,
               .sample_rate = 16'000,
               .channels = 1,
               .bit_rate = 0,
               .codec_options = "compression_level=5",
               .target = {.fd = fd, .bytes_max = bytes_max}});
}

Result<std::unique_ptr<AudioEncoder>> AudioEncoder::OpenOpus(int fd, int64_t bytes_max,
                                                             int channels) {
  return Open({.muxer = "webm",
               .codec = "libopus",
               .sample_format = AV_SAMPLE_FMT_FLT,
               .sample_rate = 48'000,
               .channels = channels,
               .bit_rate = channels == 2 ? 64'000 : 48'000,
               .codec_options = "application=audio:frame_duration=20:compression_level=5",
               .target = {.fd = fd, .bytes_max = bytes_max}});
}

Result<std::unique_ptr<AudioEncoder>> AudioEncoder::Open(const Settings& settings) {
  std::unique_ptr<AudioEncoder> encoder(new AudioEncoder(settings.target));
  encoder->waiting_.Assign(settings.channels, 0);
  encoder->frame_.reset(av_frame_alloc());
  encoder->packet_.reset(av_packet_alloc());
  if (!encoder->frame_ || !encoder->packet_) {
    return FailMedia(MediaReason::kResource, "no memory for a frame");
  }
  NRL_CHECK(encoder->OpenCodec(settings));
  NRL_CHECK(encoder->OpenFile(settings));
  return encoder;
}

Status AudioEncoder::OpenCodec(const Settings& settings) {
  const AVCodec* codec = avcodec_find_encoder_by_name(settings.codec);
  if (!codec) {
    return Fail(ErrorCode::kInternal, std::string("this libav has no encoder ") + settings.codec);
  }
  codec_.reset(avcodec_alloc_context3(codec));
  if (!codec_) return FailMedia(MediaReason::kResource, "no memory for an encoder");
  codec_->sample_fmt = settings.sample_format;
  codec_->sample_rate = settings.sample_rate;
  av_channel_layout_default(&codec_->ch_layout, settings.channels);
  codec_->bit_rate = settings.bit_rate;
  codec_->time_base = {1, settings.sample_rate};
  codec_->thread_count = 1;
  codec_->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
  AvDictionary options;
  av_dict_parse_string(options.get(), settings.codec_options, "=", ":", 0);
  const int error = avcodec_open2(codec_.get(), codec, options.get());
  return error < 0 ? Explain("opening an encoder", error) : Status{};
}

Status AudioEncoder::OpenFile(const Settings& settings) {
  auto* buffer = static_cast<uint8_t*>(av_malloc(kIoBufferBytes));
  if (!buffer) return FailMedia(MediaReason::kResource, "no memory for the output buffer");
  io_.reset(
      avio_alloc_context(buffer, kIoBufferBytes, 1, &target_, nullptr, WriteTarget, SeekTarget));
  AVFormatContext* format = nullptr;
  int error = avformat_alloc_output_context2(&format, nullptr, settings.muxer, nullptr);
  format_.reset(format);
  if (!io_ || error < 0) return Explain("opening a muxer", error);
  format->pb = io_.get();
  format->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
  AVStream* stream = avformat_new_stream(format, nullptr);
  if (!stream) return FailMedia(MediaReason::kResource, "no memory for a stream");
  stream->time_base = codec_->time_base;
  error = avcodec_parameters_from_context(stream->codecpar, codec_.get());
  if (error >= 0) error = avformat_write_header(format, nullptr);
  return error < 0 ? Explain("writing a header", error) : Status{};
}

Status AudioEncoder::Write(const AudioBlock& block) {
  for (int c = 0; c < waiting_.channels; ++c) {
    waiting_.planes[c].insert(waiting_.planes[c].end(), block.planes[c].begin(),
                              block.planes[c].end());
  }
  return EncodeWaiting(false);
}

Status AudioEncoder::EncodeWaiting(bool all) {
  const auto frame_samples = static_cast<size_t>(codec_->frame_size);
  while (waiting_.samples() - taken_ >= frame_samples) NRL_CHECK(Encode(frame_samples));
  if (all && waiting_.samples() > taken_) NRL_CHECK(Encode(waiting_.samples() - taken_));
  for (int c = 0; c < waiting_.channels; ++c) {
    auto& plane = waiting_.planes[c];
    plane.erase(plane.begin(), plane.begin() + static_cast<ptrdiff_t>(taken_));
  }
  taken_ = 0;
  return {};
}

Status AudioEncoder::Encode(size_t samples) {
  av_frame_unref(frame_.get());
  frame_->nb_samples = static_cast<int>(samples);
  frame_->format = codec_->sample_fmt;
  frame_->sample_rate = codec_->sample_rate;
  frame_->pts = samples_;
  int error = av_channel_layout_copy(&frame_->ch_layout, &codec_->ch_layout);
  if (error >= 0) error = av_frame_get_buffer(frame_.get(), 0);
  if (error < 0) return Explain("a frame", error);
  const auto channels = static_cast<size_t>(waiting_.channels);
  for (size_t c = 0; c < channels; ++c) {
    const float* source = waiting_.planes[c].data() + taken_;
    if (codec_->sample_fmt == AV_SAMPLE_FMT_S16) {
      Quantize({source, samples}, reinterpret_cast<int16_t*>(frame_->data[0]) + c, channels);
    } else {
      auto* target = reinterpret_cast<float*>(frame_->data[0]) + c;
      for (size_t i = 0; i < samples; ++i) {
        target[i * channels] = std::clamp(source[i], -1.0F, 1.0F);
      }
    }
  }
  taken_ += samples;
  samples_ += static_cast<int64_t>(samples);
  error = avcodec_send_frame(codec_.get(), frame_.get());
  if (error < 0) return Explain("encoding", error);
  return Drain();
}

Status AudioEncoder::Drain() {
  while (true) {
    int error = avcodec_receive_packet(codec_.get(), packet_.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return {};
    if (error < 0) return Explain("encoding", error);
    AVStream* stream = format_->streams[0];
    packet_->stream_index = 0;
    av_packet_rescale_ts(packet_.get(), codec_->time_base, stream->time_base);
    error = av_write_frame(format_.get(), packet_.get());
    av_packet_unref(packet_.get());
    if (error < 0 || io_->error < 0) return Explain("writing", error < 0 ? error : io_->error);
  }
}

Status AudioEncoder::Finish() {
  NRL_CHECK(EncodeWaiting(true));
  int error = avcodec_send_frame(codec_.get(), nullptr);
  if (error < 0) return Explain("encoding", error);
  NRL_CHECK(Drain());
  error = av_write_trailer(format_.get());
  avio_flush(io_.get());
  if (error < 0 || io_->error < 0) return Explain("finishing", error < 0 ? error : io_->error);
  return {};
}

Status AudioEncoder::Explain(const char* what, int error) const {
  if (target_.too_large) return FailMedia(MediaReason::kOutputTooLarge);
  if (target_.error != 0) return Fail(platform::ErrnoError("a prepared file", target_.error));
  if (error == AVERROR(ENOMEM)) return FailMedia(MediaReason::kResource, AvError(what, error));
  return Fail(ErrorCode::kInternal, "a prepared file could not be written", {},
              AvError(what, error));
}

}  // namespace narralytica::media
