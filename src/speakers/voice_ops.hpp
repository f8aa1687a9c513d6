// The engine's ops of diarization: "describe_voices" and "hear_voices".
#pragma once

#include <memory>
#include <string>

#include "platform/inference/engine_server.hpp"
#include "platform/inference/runtime.hpp"

namespace narralytica::speakers {

struct VoiceOptions {
  std::string models_dir;  // holds community-1/
  int threads = 2;         // cores that it may use; the result does not depend on it
};

void RegisterVoices(platform::EngineServer& server,
                    std::shared_ptr<const platform::Runtime> runtime, VoiceOptions options);

}  // namespace narralytica::speakers
