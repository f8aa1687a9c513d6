// The `diarize` stage: sound in, speakers and their turns out.
//
// What was heard is kept chunk by chunk in a folder of this machine, so that an attempt after a
// crash goes on where the last one was; on another machine it begins again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "jobs/stage.hpp"
#include "media/media_service.hpp"
#include "platform/inference/engine_client.hpp"
#include "platform/objects/objects.hpp"
#include "transcript/word_speakers.hpp"

namespace narralytica::speakers {

struct DiarizeStageParts {
  platform::EngineClient& engine;
  const media::MediaService& media;
  platform::ObjectStore& objects;
  std::string temporary_folder;
  bool enabled = true;  // off: the stage ends at once and nobody is told apart
  std::string model = "community-1";
  int64_t timeout_ms = 24 * 3'600'000;
};

// Bounds of the number of speakers are the job's payload: "speakers_min", "speakers_max".
std::unique_ptr<jobs::Stage> MakeDiarizeStage(DiarizeStageParts parts);

// The turns of a video's current diarization, ordered by start; none without one.
Result<std::vector<transcript::SpeakerTurn>> CurrentTurns(access::Tx& tx, const VideoId& video);

}  // namespace narralytica::speakers
