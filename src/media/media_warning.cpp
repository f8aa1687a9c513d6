#include "media/media_warning.hpp"

namespace narralytica::media {
namespace {

constexpr MediaWarning kWarnings[]{
    {kTruncated, "the file ends before what it declares, or is damaged there: the end is missing"},
    {kLongerThanDeclared, "the file declares less sound than it has; all of it was read"},
    {kCorruptPackets, "damaged pieces were left out"},
    {kSilenceInserted, "the recording has a gap; silence stands in its place"},
    {kTimestampsJumpForward, "the timestamps jump far ahead; the jump was ignored"},
    {kTimestampsJumpBackward, "the timestamps jump back; what follows was appended"},
    {kPosterFailed, "no picture of the video could be made"}};

}  // namespace

std::span<const MediaWarning> AllMediaWarnings() { return kWarnings; }

std::optional<std::string_view> WarningMessage(std::string_view code) {
  for (const MediaWarning& warning : kWarnings) {
    if (warning.code == code) return warning.message;
  }
  return std::nullopt;
}

}  // namespace narralytica::media
