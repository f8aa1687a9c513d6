// The messages between the worker and the media child: docs/formats/media-protocol.md. The parent
// believes nothing: an answer of the wrong shape or beyond its limits is refused. Private to the
// module.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>
#include "base/result.hpp"
#include "base/time.hpp"
#include "media/media_info.hpp"
#include "media/media_limits.hpp"
#include "media/operations.hpp"

namespace narralytica::media {

// Descriptors of the child. Outputs are numbered from kFirstOutputFd in the order of the operation.
inline constexpr int kRequestFd = 3;
inline constexpr int kEventsFd = 4;
inline constexpr int kInputFd = 5;
inline constexpr int kFirstOutputFd = 6;

inline constexpr int64_t kRequestBytesMax = 64 * 1'024;
inline constexpr size_t kEventBytesMax = 4 * 1'024 * 1'024;

enum class MediaOp { kHello, kProbe, kPrepare, kPcm, kPoster };

struct MediaRequest {
  MediaOp op = MediaOp::kHello;
  MediaLimits limits;
  TimeRange range;        // pcm
  bool own_flac = false;  // pcm
  bool unshare_network = false;
};

std::string Encode(const MediaRequest& request);
Result<MediaRequest> DecodeRequest(std::string_view text);

// What the child says about itself with every result, since the kernel's account of it is lost when
// it ran inside bubblewrap.
struct SelfUsage {
  int64_t cpu_ms = 0;
  int64_t rss_bytes_max = 0;
};

// The child's lines, without the newline.
std::string ProgressEvent(double fraction);
std::string ErrorEvent(const Error& error);
std::string ResultEvent(const nlohmann::json& result, const SelfUsage& usage);

nlohmann::json ToJson(const MediaInfo& info);
nlohmann::json ToJson(const Prepared& prepared);
nlohmann::json ToJson(const Poster& poster);

// One line of the child as the parent reads it: exactly one of the three is there.
struct MediaEvent {
  std::optional<double> progress;
  std::optional<Error> error;
  std::optional<std::string> result;  // JSON text, for the functions below
  SelfUsage usage;                    // with a result
};
// media_decode_failed (cause: what is wrong) when the line is none the child may write.
Result<MediaEvent> DecodeEvent(std::string_view line);
Result<MediaInfo> DecodeInfo(std::string_view result, const MediaLimits& limits);
Result<Prepared> DecodePrepared(std::string_view result, const MediaLimits& limits);
Result<Poster> DecodePoster(std::string_view result);
// The number of samples of a pcm result.
Result<int64_t> DecodeSamples(std::string_view result);

}  // namespace narralytica::media
