// From an opened container to MediaInfo. Private to the media child.
#pragma once

#include <string>
#include <string_view>

#include "media/av.hpp"
#include "media/media_info.hpp"

namespace narralytica::media {

MediaInfo Describe(const AVFormatContext& format, int64_t bytes);

// Valid UTF-8 without control characters, at most `bytes_max`, cut between characters; what is not
// UTF-8 becomes U+FFFD.
std::string CleanText(std::string_view text, size_t bytes_max);

}  // namespace narralytica::media
