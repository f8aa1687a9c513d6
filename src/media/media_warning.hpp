// The closed list of what may be odd about a recording that was prepared all the same. For people:
// docs/formats/media-errors.md.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace narralytica::media {

struct MediaWarning {
  std::string_view code;
  std::string_view message;
};

inline constexpr std::string_view kTruncated = "truncated";
inline constexpr std::string_view kLongerThanDeclared = "longer_than_declared";
inline constexpr std::string_view kCorruptPackets = "corrupt_packets";
inline constexpr std::string_view kSilenceInserted = "silence_inserted";
inline constexpr std::string_view kTimestampsJumpForward = "timestamps_jump_forward";
inline constexpr std::string_view kTimestampsJumpBackward = "timestamps_jump_backward";
inline constexpr std::string_view kPosterFailed = "poster_failed";

std::span<const MediaWarning> AllMediaWarnings();
// Absent when there is no such code.
std::optional<std::string_view> WarningMessage(std::string_view code);

}  // namespace narralytica::media
