// Lists of recordings, page by page, and the end of one.
#pragma once

#include <string>
#include <vector>

#include "access/page.hpp"
#include "media/video_store.hpp"

namespace narralytica::media {

enum class VideoOrder { kOldestFirst, kNewestFirst, kByTitle, kByTitleDescending };

struct VideoFilter {
  std::vector<std::string> statuses;  // empty: all but deleted
  std::string title_part;             // whatever the case; "": all
  VideoOrder order = VideoOrder::kNewestFirst;
};

// Deleted recordings are left out. kInvalid for a cursor of another order.
Result<access::Page<Video>> ListVideos(access::Tx& tx, const VideoFilter& filter,
                                       const access::PageRequest& page);

// Changed at or after `since`, deleted ones too, oldest change first.
Result<std::vector<Video>> VideosUpdatedSince(access::Tx& tx, UtcMs since, int limit);

// Puts the recording out of everybody's sight for good: its status, the change feed, and its
// source's content hash and external id, so that the same content can be taken in anew. kNotFound
// when there is none.
Status DeleteVideo(access::Tx& tx, const VideoId& video, UtcMs now);

}  // namespace narralytica::media
