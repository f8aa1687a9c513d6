// The `videos` and `artifacts` tables: a recording as people know it, and the files made of it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/tx.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::media {

struct Video {
  VideoId id;
  std::string status;  // as on the wire: queued processing ready partial failed deleted
  std::string title;
  std::string language;                // "" until recognised
  std::optional<int64_t> duration_ms;  // until prepared: none
  std::optional<UtcMs> published_at;
  nlohmann::json metadata = nlohmann::json::object();
  UtcMs created_at;
  UtcMs updated_at = {};  // set by the store
};

// Kinds: "original" as taken in; "audio" 16 kHz mono FLAC; "playback" Opus in WebM; "waveform"
// peaks as JSON; "poster" JPEG.
struct Artifact {
  std::string kind;
  platform::ObjectRef object;
  std::string content_type;
  nlohmann::json detail = nlohmann::json::object();
};

Status InsertVideo(access::Tx& tx, const Video& video);
// One that stands for another, whose content it turned out to have, gives that other.
Result<Video> GetVideo(access::Tx& tx, const VideoId& video);
// Newest first, those before `before` (empty: from the newest); deleted ones are left out.
Result<std::vector<Video>> ListVideos(access::Tx& tx, const VideoId& before, int limit);
// A deleted video stays deleted.
Status SetVideoStatus(access::Tx& tx, const VideoId& video, std::string_view status, UtcMs now);
// SetVideoStatus at the time of the write, as jobs::StageServices wants it.
std::function<Status(access::Tx&, const VideoId&, std::string_view)> VideoStatusWriter(
    Environment environment);
// `video` was accepted before its content was known, which is that of `other`: from now on it is in
// no list and GetVideo gives `other`.
Status SetDuplicateOf(access::Tx& tx, const VideoId& video, const VideoId& other, UtcMs now);
// What was learnt when it was fetched. An empty title changes nothing, nor does a time when one is
// there.
struct VideoName {
  std::string title;
  std::optional<UtcMs> published_at;
};
Status SetVideoName(access::Tx& tx, const VideoId& video, const VideoName& name, UtcMs now);
Status SetVideoDuration(access::Tx& tx, const VideoId& video, int64_t duration_ms, UtcMs now);
Status SetVideoLanguage(access::Tx& tx, const VideoId& video, std::string_view language, UtcMs now);

// Replaces the artifact of that kind.
Status PutArtifact(access::Tx& tx, const VideoId& video, const Artifact& artifact,
                   Environment environment);
Result<std::vector<Artifact>> ArtifactsOf(access::Tx& tx, const VideoId& video);
Result<Artifact> ArtifactOf(access::Tx& tx, const VideoId& video, std::string_view kind);

}  // namespace narralytica::media
