// Bodies and payloads of the recognition ops, for both ends (docs/formats/engine-protocol.md).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "transcript/recognizer.hpp"
#include "transcript/vad_model.hpp"

namespace narralytica::transcript {

// op "vad": payload = state, samples; reply payload = state, probabilities.
std::vector<uint8_t> PackVadRequest(const VadState& state, std::span<const int16_t> samples);
Result<std::pair<VadState, std::vector<int16_t>>> UnpackVadRequest(
    std::span<const uint8_t> payload);
std::vector<uint8_t> PackVadReply(const VadState& state, std::span<const float> probabilities);
Result<std::pair<VadState, std::vector<float>>> UnpackVadReply(std::span<const uint8_t> payload);

// op "transcribe": body {model, language, language_prior, windows: [{samples, speech}]}, payload =
// the samples of all windows.
struct TranscribeRequest {
  std::string model;
  std::string language;  // empty: detect
  LanguagePrior prior;
  struct Window {
    std::vector<int16_t> samples;
    std::vector<TimeRange> speech;  // from the window's beginning
  };
  std::vector<Window> windows;
};
nlohmann::json TranscribeBody(const std::string& model, const std::string& language,
                              const RecognitionBatch& batch);
std::vector<uint8_t> TranscribePayload(const RecognitionBatch& batch);
// kInvalid when body and payload do not fit together or a limit is crossed; throws
// nlohmann::json::exception for a body of the wrong shape, as engine handlers may.
Result<TranscribeRequest> UnpackTranscribe(const nlohmann::json& body,
                                           std::span<const uint8_t> payload);

}  // namespace narralytica::transcript
