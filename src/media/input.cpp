#include "media/input.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "media/allow_list.hpp"
#include "media/describe.hpp"
#include "media/media_error.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

constexpr int kIoBufferBytes = 256 * 1024;
constexpr int64_t kProbeBytes = 8 * 1024 * 1024;
constexpr int64_t kAnalyzeUs = 10'000'000;
constexpr int kReadErrorsMax = 64;  // in a row, without a packet between them

int ReadSource(void* opaque, uint8_t* buffer, int bytes) {
  auto& source = *static_cast<FdSource*>(opaque);
  const int64_t wanted = std::min<int64_t>(bytes, source.bytes - source.position);
  if (wanted <= 0) return AVERROR_EOF;
  while (true) {
    const ssize_t got =
        pread(source.fd, buffer, static_cast<size_t>(wanted), source.base + source.position);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      source.failed = true;
      return AVERROR(EIO);
    }
    if (got == 0) return AVERROR_EOF;
    source.position += got;
    return static_cast<int>(got);
  }
}

int64_t SeekSource(void* opaque, int64_t offset, int whence) {
  auto& source = *static_cast<FdSource*>(opaque);
  int64_t target = 0;
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return source.bytes;
    case SEEK_SET:
      target = offset;
      break;
    case SEEK_CUR:
      target = source.position + offset;
      break;
    case SEEK_END:
      target = source.bytes + offset;
      break;
    default:
      return AVERROR(EINVAL);
  }
  if (target < 0 || target > source.bytes) return AVERROR(EINVAL);
  return source.position = target;
}

int DenyOpen(AVFormatContext*, AVIOContext** io, const char*, int, AVDictionary**) {
  *io = nullptr;
  return AVERROR(EACCES);
}

int BudgetExceeded(void* budget) { return static_cast<const Budget*>(budget)->exceeded() ? 1 : 0; }

bool IsEncrypted(const AVStream& stream) {
  const uint32_t tag = stream.codecpar->codec_tag;
  for (const char* name : {"enca", "encv", "drms", "drmi"}) {
    if (tag == MKTAG(name[0], name[1], name[2], name[3])) return true;
  }
  return av_stream_get_side_data(&stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr) != nullptr;
}

}  // namespace

Result<std::unique_ptr<Input>> Input::Open(int fd, const MediaLimits& limits,
                                           const Budget& budget) {
  const int64_t base = lseek(fd, 0, SEEK_CUR);
  const int64_t bytes = lseek(fd, 0, SEEK_END) - base;  // the sandbox has no stat
  if (base < 0 || bytes < 0 || lseek(fd, base, SEEK_SET) != base)
    return Fail(platform::ErrnoError("the recording", errno));
  if (bytes == 0) return FailMedia(MediaReason::kEmpty, "0 bytes");
  if (bytes > limits.input_bytes_max) return FailMedia(MediaReason::kTooLarge);
  std::unique_ptr<Input> input(new Input(FdSource{.fd = fd, .base = base, .bytes = bytes}, budget));
  NRL_CHECK(input->OpenFormat(limits));
  NRL_CHECK(input->CheckStreams(limits));
  input->info_ = Describe(*input->format_, bytes);
  return input;
}

Status Input::OpenFormat(const MediaLimits& limits) {
  auto* buffer = static_cast<uint8_t*>(av_malloc(kIoBufferBytes));
  if (!buffer) return FailMedia(MediaReason::kResource, "no memory for the input buffer");
  io_.reset(
      avio_alloc_context(buffer, kIoBufferBytes, 0, &source_, ReadSource, nullptr, SeekSource));
  AVFormatContext* format = avformat_alloc_context();
  if (!io_ || !format) return FailMedia(MediaReason::kResource, "no memory for the demuxer");
  format->pb = io_.get();
  format->io_open = DenyOpen;
  format->interrupt_callback = {BudgetExceeded, const_cast<Budget*>(&budget_)};
  format->probesize = kProbeBytes;
  format->max_analyze_duration = kAnalyzeUs;
  format->format_whitelist = av_strdup(kDemuxers);
  format->codec_whitelist = av_strdup(kDecoders);
  format->protocol_whitelist = av_strdup("");
  const int opened = avformat_open_input(&format, nullptr, nullptr, nullptr);  // frees on failure
  if (source_.failed) return Fail(platform::ErrnoError("the recording", EIO));
  if (opened < 0) {
    NRL_CHECK(budget_.Check());
    if (opened == AVERROR(ENOMEM)) return FailMedia(MediaReason::kResource, "opening: no memory");
    return FailMedia(MediaReason::kUnreadable, AvError("opening", opened));
  }
  format_.reset(format);
  if (std::cmp_greater(format->nb_streams, limits.streams_max)) {
    return FailMedia(MediaReason::kTooManyStreams, std::to_string(format->nb_streams));
  }
  const int found = avformat_find_stream_info(format, nullptr);
  NRL_CHECK(budget_.Check());
  if (found == AVERROR(ENOMEM)) return FailMedia(MediaReason::kResource, "probing: no memory");
  if (found < 0) return FailMedia(MediaReason::kUnreadable, AvError("probing", found));
  return {};
}

Status Input::CheckStreams(const MediaLimits& limits) {
  if (std::cmp_greater(format_->nb_streams, limits.streams_max)) {
    return FailMedia(MediaReason::kTooManyStreams, std::to_string(format_->nb_streams));
  }
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    const AVStream& stream = *format_->streams[i];
    const AVCodecParameters& codec = *stream.codecpar;
    if (codec.codec_type == AVMEDIA_TYPE_AUDIO && IsEncrypted(stream)) {
      return FailMedia(MediaReason::kEncrypted, "stream " + std::to_string(i));
    }
    if (static_cast<int64_t>(codec.width) * codec.height > limits.frame_pixels_max) {
      return FailMedia(MediaReason::kTooLargeFrame, "stream " + std::to_string(i));
    }
  }
  return {};
}

Result<AvPtr<AVCodecContext>> Input::OpenDecoder(int64_t index, const MediaLimits& limits) {
  const AVCodecParameters& parameters = *stream(index)->codecpar;
  const bool is_audio = parameters.codec_type == AVMEDIA_TYPE_AUDIO;
  const std::string name = avcodec_get_name(parameters.codec_id);
  if (parameters.ch_layout.nb_channels > limits.channels_max) {
    return FailMedia(MediaReason::kTooManyChannels,
                     std::to_string(parameters.ch_layout.nb_channels));
  }
  if (is_audio && parameters.sample_rate != 0 &&
      (parameters.sample_rate < limits.sample_rate_min ||
       parameters.sample_rate > limits.sample_rate_max)) {
    return FailMedia(MediaReason::kBadSampleRate, std::to_string(parameters.sample_rate));
  }
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (!codec) return FailMedia(MediaReason::kDecodeFailed, "no decoder for " + name);
  AvPtr<AVCodecContext> decoder(avcodec_alloc_context3(codec));
  if (!decoder) return FailMedia(MediaReason::kResource, "no memory for a decoder");
  int error = avcodec_parameters_to_context(decoder.get(), &parameters);
  if (error < 0) return FailMedia(MediaReason::kDecodeFailed, AvError(name, error));
  decoder->pkt_timebase = stream(index)->time_base;
  decoder->thread_count = 1;  // the sandbox allows no second thread
  decoder->flags |= AV_CODEC_FLAG_BITEXACT;
  decoder->max_pixels = limits.frame_pixels_max;
  // FLAC knows when a frame is damaged; what is not sound must not become sound.
  if (codec->id == AV_CODEC_ID_FLAC) decoder->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
  AvDictionary options;
  options.Set("codec_whitelist", kDecoders);
  error = avcodec_open2(decoder.get(), codec, options.get());
  if (error == AVERROR(ENOMEM)) return FailMedia(MediaReason::kResource, AvError(name, error));
  if (error < 0) return FailMedia(MediaReason::kDecodeFailed, AvError(name, error));
  return decoder;
}

void Input::Select(int64_t index) {
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    format_->streams[i]->discard = i == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

Result<bool> Input::ReadPacket(AVPacket& packet) {
  for (int errors = 0; errors < kReadErrorsMax; ++errors) {
    const int error = av_read_frame(format_.get(), &packet);
    if (source_.failed) return Fail(platform::ErrnoError("the recording", EIO));
    NRL_CHECK(budget_.Check());
    if (error >= 0) return true;
    if (error == AVERROR(ENOMEM)) return FailMedia(MediaReason::kResource, "reading: no memory");
    if (error == AVERROR_EOF) return false;
    damaged_ = true;
    if (avio_feof(format_->pb)) return false;
  }
  return false;
}

double Input::fraction() const {
  const auto position = static_cast<double>(avio_tell(format_->pb));
  return std::clamp(position / static_cast<double>(source_.bytes), 0.0, 1.0);
}

}  // namespace narralytica::media
