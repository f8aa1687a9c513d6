// From an opened container to MediaInfo. Private to the media child.
#pragma once

#include <cstdint>

#include "media/av.hpp"
#include "media/media_info.hpp"

namespace narralytica::media {

MediaInfo Describe(const AVFormatContext& format, int64_t bytes);

}  // namespace narralytica::media
