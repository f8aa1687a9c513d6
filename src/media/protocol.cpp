#include "media/protocol.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include "media/clean_text.hpp"
#include "media/media_error.hpp"
#include "media/media_warning.hpp"

namespace narralytica::media {
namespace {

using nlohmann::json;

constexpr int64_t kNumberMax = int64_t{1} << 53;
constexpr size_t kWarningsMax = 32;
constexpr size_t kCauseBytesMax = 2'048;

constexpr std::array<std::pair<MediaOp, const char*>, 5> kOps{{{MediaOp::kHello, "hello"},
                                                               {MediaOp::kProbe, "probe"},
                                                               {MediaOp::kPrepare, "prepare"},
                                                               {MediaOp::kPcm, "pcm"},
                                                               {MediaOp::kPoster, "poster"}}};
constexpr std::array<std::pair<StreamKind, const char*>, 5> kStreamKinds{
    {{StreamKind::kAudio, "audio"},
     {StreamKind::kVideo, "video"},
     {StreamKind::kCover, "cover"},
     {StreamKind::kSubtitle, "subtitle"},
     {StreamKind::kOther, "other"}}};

struct LimitField {
  const char* name;
  int64_t MediaLimits::* value;
};
constexpr std::array kLimitFields{
    LimitField{"input_bytes_max", &MediaLimits::input_bytes_max},
    LimitField{"output_bytes_max", &MediaLimits::output_bytes_max},
    LimitField{"decoded_duration_ms_max", &MediaLimits::decoded_duration_ms_max},
    LimitField{"gap_ms_max", &MediaLimits::gap_ms_max},
    LimitField{"streams_max", &MediaLimits::streams_max},
    LimitField{"channels_max", &MediaLimits::channels_max},
    LimitField{"sample_rate_min", &MediaLimits::sample_rate_min},
    LimitField{"sample_rate_max", &MediaLimits::sample_rate_max},
    LimitField{"frame_pixels_max", &MediaLimits::frame_pixels_max},
    LimitField{"cpu_seconds_base", &MediaLimits::cpu_seconds_base},
    LimitField{"cpu_seconds_per_hour", &MediaLimits::cpu_seconds_per_hour},
    LimitField{"cpu_seconds_max", &MediaLimits::cpu_seconds_max},
    LimitField{"memory_bytes_max", &MediaLimits::memory_bytes_max},
};

template <typename Enum, size_t kCount>
const char* NameOf(Enum value, const std::array<std::pair<Enum, const char*>, kCount>& names) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "";
}

// The readers below throw when a member is missing or out of bounds; Guarded turns that into an
// error.
template <typename Enum, size_t kCount>
Enum ReadEnum(const json& object, const char* key,
              const std::array<std::pair<Enum, const char*>, kCount>& names) {
  const auto& text = object.at(key).get_ref<const std::string&>();
  for (const auto& [known, name] : names) {
    if (text == name) return known;
  }
  throw std::out_of_range(std::string(key) + " is not known");
}

int64_t ReadInt(const json& object, const char* key, int64_t max = kNumberMax) {
  const json& member = object.at(key);
  const bool fits =
      member.is_number_unsigned() && member.get<uint64_t>() <= static_cast<uint64_t>(max);
  if (!fits) throw std::out_of_range(std::string(key) + " is out of range");
  return static_cast<int64_t>(member.get<uint64_t>());
}

std::optional<int64_t> ReadOptionalInt(const json& object, const char* key,
                                       int64_t max = kNumberMax) {
  if (!object.contains(key)) return std::nullopt;
  return ReadInt(object, key, max);
}

double ReadReal(const json& object, const char* key, double min, double max) {
  const auto value = object.at(key).get<double>();
  if (!(value >= min && value <= max)) throw std::out_of_range(std::string(key));
  return value;
}

std::optional<double> ReadOptionalReal(const json& object, const char* key, double min,
                                       double max) {
  if (!object.contains(key)) return std::nullopt;
  return ReadReal(object, key, min, max);
}

std::string ReadText(const json& object, const char* key) {
  return CleanText(object.at(key).get_ref<const std::string&>(), MediaInfo::kTextBytesMax);
}

const json& ReadArray(const json& object, const char* key, size_t items_max) {
  const json& member = object.at(key);
  if (!member.is_array() || member.size() > items_max) {
    throw std::out_of_range(std::string(key) + " is no array or too long");
  }
  return member;
}

template <typename Value>
Result<Value> Guarded(std::string_view text, const std::function<Value(const json&)>& read) {
  try {
    return read(json::parse(text));
  } catch (const std::exception& error) {
    return FailMedia(MediaReason::kDecodeFailed,
                     CleanText(error.what(), kCauseBytesMax) + " (an answer of the media process)");
  }
}

std::string Dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

json StreamToJson(const StreamInfo& stream) {
  return {{"index", stream.index},
          {"kind", NameOf(stream.kind, kStreamKinds)},
          {"codec", stream.codec},
          {"language", stream.language},
          {"is_default", stream.is_default},
          {"channels", stream.channels},
          {"sample_rate", stream.sample_rate},
          {"width", stream.width},
          {"height", stream.height},
          {"frame_rate", stream.frame_rate},
          {"rotation_degrees", stream.rotation_degrees}};
}

StreamInfo StreamFromJson(const json& document) {
  StreamInfo stream;
  stream.index = ReadInt(document, "index");
  stream.kind = ReadEnum(document, "kind", kStreamKinds);
  stream.codec = ReadText(document, "codec");
  stream.language = ReadText(document, "language");
  stream.is_default = document.at("is_default").get<bool>();
  stream.channels = ReadInt(document, "channels");
  stream.sample_rate = ReadInt(document, "sample_rate");
  stream.width = ReadInt(document, "width");
  stream.height = ReadInt(document, "height");
  stream.frame_rate = ReadReal(document, "frame_rate", 0, 1e6);
  stream.rotation_degrees = ReadInt(document, "rotation_degrees", 270);
  return stream;
}

MediaInfo InfoFromJson(const json& document, const MediaLimits& limits) {
  MediaInfo info;
  info.container = ReadText(document, "container");
  info.bytes = ReadInt(document, "bytes");
  info.declared_duration_ms = ReadOptionalInt(document, "declared_duration_ms");
  info.declared_is_estimate = document.at("declared_is_estimate").get<bool>();
  const auto streams_max = static_cast<size_t>(limits.streams_max);
  for (const json& stream : ReadArray(document, "streams", streams_max)) {
    info.streams.push_back(StreamFromJson(stream));
  }
  info.audio_stream = ReadOptionalInt(document, "audio_stream");
  info.video_stream = ReadOptionalInt(document, "video_stream");
  info.title = ReadText(document, "title");
  info.date = ReadText(document, "date");
  for (const json& chapter : ReadArray(document, "chapters", MediaInfo::kChaptersMax)) {
    const TimeRange range{ReadInt(chapter, "start_ms"), ReadInt(chapter, "end_ms")};
    if (range.end_ms < range.start_ms) throw std::out_of_range("a chapter ends before it starts");
    info.chapters.push_back({range, ReadText(chapter, "title")});
  }
  return info;
}

Error ErrorFromJson(const json& document) {
  const auto& reason = document.at("reason").get_ref<const std::string&>();
  std::string cause = CleanText(document.at("cause").get_ref<const std::string&>(), kCauseBytesMax);
  if (const auto known = MediaReasonFromString(reason)) return MediaError(*known, std::move(cause));
  const auto code = ErrorCodeFromString(document.at("code").get_ref<const std::string&>());
  return Error{code.value_or(ErrorCode::kInternal),
               "the recording could not be processed",
               "try again; if it happens again, report it",
               std::move(cause),
               {}};
}

}  // namespace

std::string Encode(const MediaRequest& request) {
  json limits = json::object();
  for (const LimitField& field : kLimitFields) limits[field.name] = request.limits.*field.value;
  return Dump({{"version", 1},
               {"op", NameOf(request.op, kOps)},
               {"limits", std::move(limits)},
               {"start_ms", request.range.start_ms},
               {"end_ms", request.range.end_ms},
               {"own_flac", request.own_flac},
               {"unshare_network", request.unshare_network}});
}

Result<MediaRequest> DecodeRequest(std::string_view text) {
  return Guarded<MediaRequest>(text, [](const json& document) {
    MediaRequest request;
    if (ReadInt(document, "version") != 1) throw std::out_of_range("version");
    request.op = ReadEnum(document, "op", kOps);
    for (const LimitField& field : kLimitFields) {
      request.limits.*field.value = ReadInt(document.at("limits"), field.name);
    }
    request.range = {ReadInt(document, "start_ms"), ReadInt(document, "end_ms")};
    request.own_flac = document.at("own_flac").get<bool>();
    request.unshare_network = document.at("unshare_network").get<bool>();
    return request;
  });
}

std::string ProgressEvent(double fraction) {
  return Dump({{"event", "progress"}, {"fraction", fraction}});
}

std::string ErrorEvent(const Error& error) {
  return Dump({{"event", "error"},
               {"code", ToString(error.code)},
               {"reason", error.reason},
               {"cause", error.cause.empty() ? error.message : error.cause}});
}

std::string ResultEvent(const json& result, const SelfUsage& usage) {
  return Dump({{"event", "result"},
               {"result", result},
               {"cpu_ms", usage.cpu_ms},
               {"rss_bytes_max", usage.rss_bytes_max}});
}

json ToJson(const MediaInfo& info) {
  json document{{"container", info.container},
                {"bytes", info.bytes},
                {"declared_is_estimate", info.declared_is_estimate},
                {"streams", json::array()},
                {"title", info.title},
                {"date", info.date},
                {"chapters", json::array()}};
  if (info.declared_duration_ms) document["declared_duration_ms"] = *info.declared_duration_ms;
  if (info.audio_stream) document["audio_stream"] = *info.audio_stream;
  if (info.video_stream) document["video_stream"] = *info.video_stream;
  for (const StreamInfo& stream : info.streams) {
    document["streams"].push_back(StreamToJson(stream));
  }
  for (const Chapter& chapter : info.chapters) {
    document["chapters"].push_back({{"start_ms", chapter.range.start_ms},
                                    {"end_ms", chapter.range.end_ms},
                                    {"title", chapter.title}});
  }
  return document;
}

json ToJson(const Prepared& prepared) {
  json document{{"info", ToJson(prepared.info)},
                {"samples", prepared.samples},
                {"warnings", prepared.warnings}};
  if (prepared.loudness_lufs) document["loudness_lufs"] = *prepared.loudness_lufs;
  if (prepared.channel_correlation) {
    document["channel_correlation"] = *prepared.channel_correlation;
  }
  return document;
}

json ToJson(const Poster& poster) { return {{"width", poster.width}, {"height", poster.height}}; }

Result<MediaEvent> DecodeEvent(std::string_view line) {
  return Guarded<MediaEvent>(line, [](const json& document) {
    MediaEvent event;
    const auto& kind = document.at("event").get_ref<const std::string&>();
    if (kind == "progress") {
      event.progress = ReadReal(document, "fraction", 0, 1);
    } else if (kind == "error") {
      event.error = ErrorFromJson(document);
    } else if (kind == "result") {
      event.result = document.at("result").dump();
      event.usage = {ReadInt(document, "cpu_ms"), ReadInt(document, "rss_bytes_max")};
    } else {
      throw std::out_of_range("event is not known");
    }
    return event;
  });
}

Result<MediaInfo> DecodeInfo(std::string_view result, const MediaLimits& limits) {
  return Guarded<MediaInfo>(result,
                            [&](const json& document) { return InfoFromJson(document, limits); });
}

Result<Prepared> DecodePrepared(std::string_view result, const MediaLimits& limits) {
  return Guarded<Prepared>(result, [&](const json& document) {
    Prepared prepared;
    prepared.info = InfoFromJson(document.at("info"), limits);
    prepared.samples = ReadInt(document, "samples", (limits.decoded_duration_ms_max + 1) * 16);
    prepared.loudness_lufs = ReadOptionalReal(document, "loudness_lufs", -100, 100);
    prepared.channel_correlation = ReadOptionalReal(document, "channel_correlation", -1.01, 1.01);
    for (const json& warning : ReadArray(document, "warnings", kWarningsMax)) {
      const auto& code = warning.get_ref<const std::string&>();
      if (!WarningMessage(code)) throw std::out_of_range("a warning is not known");
      prepared.warnings.push_back(code);
    }
    return prepared;
  });
}

Result<Poster> DecodePoster(std::string_view result) {
  return Guarded<Poster>(result, [](const json& document) {
    return Poster{ReadInt(document, "width"), ReadInt(document, "height")};
  });
}

Result<int64_t> DecodeSamples(std::string_view result) {
  return Guarded<int64_t>(result,
                          [](const json& document) { return ReadInt(document, "samples"); });
}

}  // namespace narralytica::media
