// A recording with all that people are shown of it: its source, files, stages and progress.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "jobs/queue.hpp"
#include "media/video_store.hpp"
#include "source/source_store.hpp"

namespace narralytica::api {

using Json = nlohmann::ordered_json;

struct VideoView {
  media::Video video;
  source::Source source;
  std::vector<media::Artifact> artifacts;
  std::vector<jobs::Job> jobs;
  std::optional<TranscriptId> transcript;  // the current one
};

Result<VideoView> LoadVideoView(access::Tx& tx, jobs::Queue& queue, media::Video video);

// The contract's video, at the time `now`.
Json VideoJson(const VideoView& view, UtcMs now);
// The contract's VideoUpdate.
Json VideoUpdateJson(const media::Video& video, const std::vector<jobs::Job>& jobs, UtcMs now);

// The stage that runs now, for people; "" when none does.
std::string CurrentStage(const std::vector<jobs::Job>& jobs);
// How long the rest of the pipeline takes if it goes on as it did; nullopt while that would be a
// guess.
std::optional<int64_t> EtaMs(const std::vector<jobs::Job>& jobs, double fraction, UtcMs now);

}  // namespace narralytica::api
