// The `sources` table: where a recording came from, and the content hash by which the same
// recording is recognised again.
#pragma once

#include <optional>
#include <string>

#include "access/tx.hpp"

namespace narralytica::source {

struct Source {
  SourceId id;
  VideoId video;
  std::string kind;     // "upload", "external_url", "youtube"
  std::string locator;  // file name or URL, as given
  std::string external_id;
  std::string content_sha256;
  int64_t bytes = 0;
};

// kConflict when the tenant has that content or external id already.
Status InsertSource(access::Tx& tx, const Source& source, UtcMs now);
// A source whose video is not deleted.
Result<std::optional<Source>> FindByContent(access::Tx& tx, const std::string& content_sha256);
Result<std::optional<Source>> FindByExternalId(access::Tx& tx, const std::string& external_id);
// The first one: a video has more when the same recording came from elsewhere, too.
Result<Source> SourceOfVideo(access::Tx& tx, const VideoId& video);
// Once the content has been fetched; kConflict when another video has it.
Status SetContent(access::Tx& tx, const VideoId& video, const std::string& content_sha256,
                  int64_t bytes);
// `to` is the same recording.
Status MoveSource(access::Tx& tx, const VideoId& from, const VideoId& to);
// The content and external id of a video that is deleted may come again.
Status ForgetContent(access::Tx& tx, const VideoId& video);

}  // namespace narralytica::source
