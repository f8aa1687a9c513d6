// Recognition and speech detection by the engine process.
#pragma once

#include <memory>
#include <string>

#include "platform/inference/engine_client.hpp"
#include "transcript/recognizer.hpp"
#include "transcript/transcriber.hpp"

namespace narralytica::transcript {

// Asks op "vad". `client` outlives it.
class EngineSpeechDetector final : public SpeechDetector {
 public:
  explicit EngineSpeechDetector(platform::EngineClient& client) : client_(client) {}
  Result<std::vector<float>> Detect(std::span<const int16_t> samples, VadState& state,
                                    const Deadline& deadline) override;

 private:
  platform::EngineClient& client_;
};

// Connects to whichever engine runs `model` ("whisper-base", "moonshine-tiny-en").
// `language`: a code, or empty to detect. kNotFound when the model is not installed, kInvalid when
// it does not speak the language.
Result<std::unique_ptr<Recognizer>> ConnectRecognizer(platform::EngineClient& client,
                                                      const std::string& model,
                                                      const std::string& language,
                                                      const Deadline& deadline);

}  // namespace narralytica::transcript
