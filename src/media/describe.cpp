#include "media/describe.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "media/clean_text.hpp"

namespace narralytica::media {
namespace {

std::string Tag(const AVDictionary* tags, const char* key) {
  const AVDictionaryEntry* entry = av_dict_get(tags, key, nullptr, 0);
  return entry ? CleanText(entry->value, MediaInfo::kTextBytesMax) : std::string();
}

StreamKind KindOf(const AVStream& stream) {
  switch (stream.codecpar->codec_type) {
    case AVMEDIA_TYPE_AUDIO:
      return StreamKind::kAudio;
    case AVMEDIA_TYPE_SUBTITLE:
      return StreamKind::kSubtitle;
    case AVMEDIA_TYPE_VIDEO:
      return stream.disposition & AV_DISPOSITION_ATTACHED_PIC ? StreamKind::kCover
                                                              : StreamKind::kVideo;
    default:
      return StreamKind::kOther;
  }
}

int64_t RotationDegrees(const AVStream& stream) {
  size_t bytes = 0;
  const uint8_t* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes);
  if (!matrix || bytes < 9 * sizeof(int32_t)) return 0;
  const double counter_clockwise =
      av_display_rotation_get(reinterpret_cast<const int32_t*>(matrix));
  if (!std::isfinite(counter_clockwise)) return 0;
  const auto quarters = static_cast<int64_t>(std::lround(-counter_clockwise / 90));
  return ((quarters % 4 + 4) % 4) * 90;
}

StreamInfo DescribeStream(const AVStream& stream) {
  const AVCodecParameters& codec = *stream.codecpar;
  StreamInfo info;
  info.index = stream.index;
  info.kind = KindOf(stream);
  info.codec = avcodec_get_name(codec.codec_id);
  info.language = CleanText(Tag(stream.metadata, "language"), 16);
  info.is_default = (stream.disposition & AV_DISPOSITION_DEFAULT) != 0;
  info.channels = codec.ch_layout.nb_channels;
  info.sample_rate = codec.sample_rate;
  info.width = codec.width;
  info.height = codec.height;
  if (info.kind == StreamKind::kVideo) {
    const double rate = av_q2d(stream.avg_frame_rate);
    info.frame_rate = std::isfinite(rate) && rate > 0 && rate < 1'000 ? rate : 0;
    info.rotation_degrees = RotationDegrees(stream);
  }
  return info;
}

std::optional<int64_t> ChooseAudio(const AVFormatContext& format,
                                   const std::vector<StreamInfo>& streams) {
  std::optional<int64_t> best;
  auto best_rank = std::tuple(false, false, int64_t{-1});
  for (const StreamInfo& stream : streams) {
    if (stream.kind != StreamKind::kAudio) continue;
    const AVCodecID codec = format.streams[stream.index]->codecpar->codec_id;
    const auto rank =
        std::tuple(avcodec_find_decoder(codec) != nullptr, stream.is_default, stream.channels);
    if (best && rank <= best_rank) continue;
    best = stream.index;
    best_rank = rank;
  }
  return best;
}

std::optional<int64_t> ChooseVideo(const std::vector<StreamInfo>& streams) {
  for (const StreamKind kind : {StreamKind::kVideo, StreamKind::kCover}) {
    const auto found = std::find_if(streams.begin(), streams.end(),
                                    [&](const StreamInfo& s) { return s.kind == kind; });
    if (found != streams.end()) return found->index;
  }
  return std::nullopt;
}

std::vector<Chapter> DescribeChapters(const AVFormatContext& format) {
  std::vector<Chapter> chapters;
  const size_t count = std::min<size_t>(format.nb_chapters, MediaInfo::kChaptersMax);
  for (size_t i = 0; i < count; ++i) {
    const AVChapter& chapter = *format.chapters[i];
    const TimeRange range{av_rescale_q(chapter.start, chapter.time_base, {1, 1'000}),
                          av_rescale_q(chapter.end, chapter.time_base, {1, 1'000})};
    if (range.start_ms < 0 || range.end_ms < range.start_ms) continue;
    chapters.push_back({range, Tag(chapter.metadata, "title")});
  }
  return chapters;
}

}  // namespace

MediaInfo Describe(const AVFormatContext& format, int64_t bytes) {
  MediaInfo info;
  info.container = format.iformat->name;
  info.bytes = bytes;
  if (format.duration > 0) info.declared_duration_ms = av_rescale(format.duration, 1, 1'000);
  info.declared_is_estimate = format.duration_estimation_method == AVFMT_DURATION_FROM_BITRATE;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    info.streams.push_back(DescribeStream(*format.streams[i]));
  }
  info.audio_stream = ChooseAudio(format, info.streams);
  info.video_stream = ChooseVideo(info.streams);
  info.title = Tag(format.metadata, "title");
  info.date = Tag(format.metadata, "date");
  if (info.date.empty()) info.date = Tag(format.metadata, "creation_time");
  info.chapters = DescribeChapters(format);
  return info;
}

}  // namespace narralytica::media
