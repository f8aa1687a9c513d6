// Voices heard by the engine process.
#pragma once

#include "platform/inference/engine_client.hpp"
#include "speakers/diarizer.hpp"

namespace narralytica::speakers {

// Thread-safe. `client` outlives it. Errors are the engine's; kUnavailable when its reply cannot be
// read.
class EngineVoiceListener final : public VoiceListener {
 public:
  EngineVoiceListener(platform::EngineClient& client, std::string model)
      : client_(client), model_(std::move(model)) {}

  Result<VoiceModelInfo> Describe(const Deadline& deadline) override;
  Result<VoiceChunk> Hear(const VoiceRequest& request, const Deadline& deadline) override;

 private:
  platform::EngineClient& client_;
  const std::string model_;
};

}  // namespace narralytica::speakers
