// The `transcribe` stage: sound in, words, segments and a new transcript version out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "jobs/stage.hpp"
#include "media/media_service.hpp"
#include "platform/inference/engine_client.hpp"
#include "platform/objects/objects.hpp"
#include "transcript/word_speakers.hpp"

namespace narralytica::transcript {

struct TranscribeStageParts {
  platform::EngineClient& engine;
  const media::MediaService& media;
  platform::ObjectStore& objects;
  std::string temporary_folder;
  std::string model;     // when the recording asks for none: "base"
  std::string language;  // likewise: a code, or "auto"
  // Who speaks when in a video, ordered by start; none where speakers are not told apart.
  std::function<Result<std::vector<SpeakerTurn>>(access::Tx&, const VideoId&)> turns_of;
  int64_t timeout_ms = 24 * 3'600'000;
};

std::unique_ptr<jobs::Stage> MakeTranscribeStage(TranscribeStageParts parts);

// The id of a model from what people call it: "base" -> "whisper-base", "small-en" ->
// "whisper-tiny-en"; other names are ids themselves.
std::string ModelId(const std::string& name);

}  // namespace narralytica::transcript
