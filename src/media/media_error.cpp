#include "media/media_error.hpp"

#include <array>

namespace narralytica::media {
namespace {

struct Entry {
  MediaReason reason;
  std::string_view text;
  ErrorCode code;
  std::string_view message;
  std::string_view hint;
};

constexpr std::string_view kSplit = "split it, or raise the limit in the configuration";

constexpr std::array kEntries{
    Entry{MediaReason::kNoAudio, "media_no_audio", ErrorCode::kInvalid,
          "the recording has no audio", "send a file with a sound track"},
    Entry{MediaReason::kUnreadable, "media_unreadable", ErrorCode::kInvalid,
          "the file is not a recording that can be read",
          "send audio or video, for instance MP4, WebM, MP3, WAV or FLAC"},
    Entry{MediaReason::kEncrypted, "media_encrypted", ErrorCode::kInvalid,
          "the recording is encrypted", "send a copy without DRM"},
    Entry{MediaReason::kEmpty, "media_empty", ErrorCode::kInvalid, "the recording is empty",
          "check that the upload or the recorder finished, then send it again"},
    Entry{MediaReason::kDecodeFailed, "media_decode_failed", ErrorCode::kInvalid,
          "nothing in the recording could be decoded",
          "check that it plays, convert it to MP4 or FLAC, then send it again"},
    Entry{MediaReason::kDamaged, "media_damaged", ErrorCode::kCorrupt,
          "a stored audio file is damaged", "prepare the recording again from its source"},
    Entry{MediaReason::kTooLong, "media_too_long", ErrorCode::kLimited,
          "the recording is longer than allowed", kSplit},
    Entry{MediaReason::kTooLarge, "media_too_large", ErrorCode::kLimited,
          "the file is larger than allowed", kSplit},
    Entry{MediaReason::kTooManyStreams, "media_too_many_streams", ErrorCode::kLimited,
          "the recording has more streams than allowed", "send only the tracks that are needed"},
    Entry{MediaReason::kTooManyChannels, "media_too_many_channels", ErrorCode::kLimited,
          "the recording has more audio channels than allowed",
          "send only the channels that are needed"},
    Entry{MediaReason::kBadSampleRate, "media_bad_sample_rate", ErrorCode::kLimited,
          "the recording's sample rate is outside the allowed range",
          "convert it to 48 kHz, then send it again"},
    Entry{MediaReason::kTooLargeFrame, "media_too_large_frame", ErrorCode::kLimited,
          "the video's picture is larger than allowed", "scale it down, then send it again"},
    Entry{MediaReason::kOutputTooLarge, "media_output_too_large", ErrorCode::kLimited,
          "preparing the recording would write more than allowed", kSplit},
    Entry{MediaReason::kResource, "media_resource", ErrorCode::kLimited,
          "the recording needs more memory or time than allowed",
          "convert it to MP4 or FLAC, or raise the limit in the configuration"},
    Entry{MediaReason::kTimeout, "media_timeout", ErrorCode::kUnavailable,
          "reading the recording took longer than its deadline",
          "try again when the machine is less busy"},
    Entry{MediaReason::kKilled, "media_killed", ErrorCode::kUnavailable,
          "the process that reads the recording was killed from outside",
          "check that the machine has memory to spare, then try again"},
    Entry{MediaReason::kChildFailed, "media_child_failed", ErrorCode::kUnavailable,
          "the process that reads recordings did not work", "run `narralytica doctor`"},
};

}  // namespace

std::span<const MediaReason> AllMediaReasons() {
  static constexpr auto kReasons = [] {
    std::array<MediaReason, kEntries.size()> reasons{};
    for (size_t i = 0; i < reasons.size(); ++i) reasons[i] = kEntries[i].reason;
    return reasons;
  }();
  return kReasons;
}

std::string_view ToString(MediaReason reason) { return kEntries[static_cast<size_t>(reason)].text; }

std::optional<MediaReason> MediaReasonFromString(std::string_view text) {
  for (const Entry& entry : kEntries) {
    if (entry.text == text) return entry.reason;
  }
  return std::nullopt;
}

Error MediaError(MediaReason reason, std::string cause) {
  const Entry& entry = kEntries[static_cast<size_t>(reason)];
  NRL_ASSERT(entry.reason == reason);
  return Error{entry.code, std::string(entry.message), std::string(entry.hint), std::move(cause),
               std::string(entry.text)};
}

}  // namespace narralytica::media
