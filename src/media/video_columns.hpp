// The columns of a video as statements name them and rows have them. Private to the stores of
// videos.
#pragma once

#include "media/video_store.hpp"

namespace narralytica::media {

#define NRL_VIDEO_COLUMNS                                                               \
  "id, status, title, language, duration_ms, published_at_ms, metadata, created_at_ms," \
  " updated_at_ms"

// The order of NRL_VIDEO_COLUMNS.
Video ReadVideo(const platform::Row& row);

}  // namespace narralytica::media
