#include "media/picture.hpp"

#include <algorithm>
#include <cmath>

#include "media/media_error.hpp"

namespace narralytica::media {
namespace {

constexpr double kWidthMax = 640;
constexpr double kHeightMax = 1'280;
constexpr int kJpegQuality = 4;  // libav's scale: 2 is best, 31 worst

Result<AvPtr<AVFrame>> NewFrame(int width, int height) {
  AvPtr<AVFrame> frame(av_frame_alloc());
  if (!frame) return FailMedia(MediaReason::kResource, "no memory for a picture");
  frame->format = AV_PIX_FMT_YUVJ420P;
  frame->width = width;
  frame->height = height;
  frame->color_range = AVCOL_RANGE_JPEG;
  if (av_frame_get_buffer(frame.get(), 0) < 0) {
    return FailMedia(MediaReason::kResource, "no memory for a picture");
  }
  return frame;
}

int Even(double size) { return std::max(2, static_cast<int>(std::lround(size / 2)) * 2); }

// Size before turning, so that the turned picture fits.
std::pair<int, int> ScaledSize(const AVFrame& decoded, AVRational pixel_aspect, bool sideways) {
  const double aspect = av_q2d(pixel_aspect);
  double width = decoded.width * (aspect > 0.1 && aspect < 10 ? aspect : 1);
  double height = decoded.height;
  const double factor = std::min(
      {1.0, kWidthMax / (sideways ? height : width), kHeightMax / (sideways ? width : height)});
  return {Even(width * factor), Even(height * factor)};
}

Result<AvPtr<AVFrame>> Scale(const AVFrame& decoded, std::pair<int, int> size) {
  const auto [width, height] = size;
  const auto format = static_cast<AVPixelFormat>(decoded.format);
  NRL_TRY(AvPtr<AVFrame> scaled, NewFrame(width, height));
  const AvPtr<SwsContext> context(
      sws_getContext(decoded.width, decoded.height, format, width, height, AV_PIX_FMT_YUVJ420P,
                     SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT, nullptr, nullptr, nullptr));
  if (!context) return FailMedia(MediaReason::kDecodeFailed, "a picture that cannot be scaled");
  const int full_range = decoded.color_range == AVCOL_RANGE_JPEG ? 1 : 0;
  sws_setColorspaceDetails(context.get(), sws_getCoefficients(decoded.colorspace), full_range,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  const int rows = sws_scale(context.get(), decoded.data, decoded.linesize, 0, decoded.height,
                             scaled->data, scaled->linesize);
  if (rows != height) return FailMedia(MediaReason::kDecodeFailed, "scaling failed");
  return scaled;
}

void TurnPlane(const AVFrame& from, AVFrame& to, int plane, int64_t rotation_degrees) {
  const int shift = plane == 0 ? 0 : 1;
  const int width = to.width >> shift;
  const int height = to.height >> shift;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int source_x = rotation_degrees == 90    ? y
                           : rotation_degrees == 180 ? width - 1 - x
                                                     : height - 1 - y;
      const int source_y = rotation_degrees == 90    ? width - 1 - x
                           : rotation_degrees == 180 ? height - 1 - y
                                                     : x;
      to.data[plane][y * to.linesize[plane] + x] =
          from.data[plane][source_y * from.linesize[plane] + source_x];
    }
  }
}

}  // namespace

Result<Picture> MakePicture(const AVFrame& decoded, AVRational pixel_aspect,
                            int64_t rotation_degrees) {
  const bool sideways = rotation_degrees == 90 || rotation_degrees == 270;
  const auto size = ScaledSize(decoded, pixel_aspect, sideways);
  NRL_TRY(AvPtr<AVFrame> scaled, Scale(decoded, size));
  if (rotation_degrees == 0) return Picture{size.first, size.second, std::move(scaled)};
  const int width = sideways ? size.second : size.first;
  const int height = sideways ? size.first : size.second;
  NRL_TRY(AvPtr<AVFrame> turned, NewFrame(width, height));
  for (int plane = 0; plane < 3; ++plane) TurnPlane(*scaled, *turned, plane, rotation_degrees);
  return Picture{width, height, std::move(turned)};
}

double Contrast(const Picture& picture) {
  double sum = 0, sum_squares = 0;
  for (int y = 0; y < picture.height; ++y) {
    const uint8_t* row = picture.frame->data[0] + y * picture.frame->linesize[0];
    for (int x = 0; x < picture.width; ++x) {
      sum += row[x];
      sum_squares += static_cast<double>(row[x]) * row[x];
    }
  }
  const double count = static_cast<double>(picture.width) * picture.height;
  return std::sqrt(std::max(0.0, sum_squares / count - (sum / count) * (sum / count)));
}

Result<std::vector<uint8_t>> EncodeJpeg(const Picture& picture) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  if (!codec) return Fail(ErrorCode::kInternal, "this libav has no JPEG encoder");
  const AvPtr<AVCodecContext> encoder(avcodec_alloc_context3(codec));
  const AvPtr<AVPacket> packet(av_packet_alloc());
  if (!encoder || !packet) return FailMedia(MediaReason::kResource, "no memory for an encoder");
  encoder->width = picture.width;
  encoder->height = picture.height;
  encoder->pix_fmt = AV_PIX_FMT_YUVJ420P;
  encoder->color_range = AVCOL_RANGE_JPEG;
  encoder->time_base = {1, 25};
  encoder->thread_count = 1;
  encoder->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_QSCALE;
  encoder->global_quality = FF_QP2LAMBDA * kJpegQuality;
  picture.frame->quality = encoder->global_quality;
  picture.frame->pts = 0;
  int error = avcodec_open2(encoder.get(), codec, nullptr);
  if (error >= 0) error = avcodec_send_frame(encoder.get(), picture.frame.get());
  if (error >= 0) error = avcodec_receive_packet(encoder.get(), packet.get());
  if (error < 0) return FailMedia(MediaReason::kDecodeFailed, AvError("JPEG", error));
  return std::vector<uint8_t>(packet->data, packet->data + packet->size);
}

}  // namespace narralytica::media
