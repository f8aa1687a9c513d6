#include "media/media_error.hpp"
#include "media/operations.hpp"
namespace narralytica::media {
Result<Poster> MakePoster(int, int, const MediaLimits&) {
  return FailMedia(MediaReason::kDecodeFailed);
}
}  // namespace narralytica::media
