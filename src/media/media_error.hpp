// The closed list of reasons (Error::reason) for which a recording is refused.
//
//   reason                   code         meaning
//   media_no_audio           invalid      it is media, but has no audio stream
//   media_unreadable         invalid      not a media file, or of a kind that is not accepted
//   media_encrypted          invalid      its audio is encrypted (DRM)
//   media_empty              invalid      no bytes, or an audio stream without a single sample
//   media_decode_failed      invalid      nothing could be decoded, or its decoder crashed
//   media_damaged            corrupt      a file that Narralytica wrote is no longer what it wrote
//   media_too_long           limited      decodes to more than decoded_duration_ms_max
//   media_too_large          limited      has more than input_bytes_max
//   media_too_many_streams   limited      more than streams_max
//   media_too_many_channels  limited      more than channels_max
//   media_bad_sample_rate    limited      outside sample_rate_min .. sample_rate_max
//   media_too_large_frame    limited      a picture of more than frame_pixels_max
//   media_output_too_large   limited      an output would pass output_bytes_max
//   media_resource           limited      needed more memory or CPU time than allowed
//   media_timeout            unavailable  not done within the caller's deadline
//   media_killed             unavailable  something else killed the media process: no memory left
//   media_child_failed       unavailable  the media process or its sandbox does not work here
//
// docs/formats/media-errors.md is the same list for people, with the hints. What is unavailable is
// tried again, the rest never.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace narralytica::media {

enum class MediaReason {
  kNoAudio,
  kUnreadable,
  kEncrypted,
  kEmpty,
  kDecodeFailed,
  kDamaged,
  kTooLong,
  kTooLarge,
  kTooManyStreams,
  kTooManyChannels,
  kBadSampleRate,
  kTooLargeFrame,
  kOutputTooLarge,
  kResource,
  kTimeout,
  kKilled,
  kChildFailed,
};

std::span<const MediaReason> AllMediaReasons();

// The reason's text as in the list above.
std::string_view ToString(MediaReason reason);
std::optional<MediaReason> MediaReasonFromString(std::string_view text);

// The error for a reason: code, message and hint come from one table, `cause` stays private.
Error MediaError(MediaReason reason, std::string cause = {});
inline std::unexpected<Error> FailMedia(MediaReason reason, std::string cause = {}) {
  return std::unexpected(MediaError(reason, std::move(cause)));
}

}  // namespace narralytica::media
