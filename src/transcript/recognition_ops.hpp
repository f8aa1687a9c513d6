// The engine side of recognition: registers the ops `vad`, `transcribe`, `transcribe_sherpa` and
// `describe_recognizer`. Their bodies are described in docs/formats/engine-protocol.md.
//
// Models are opened on first use from `models_dir`/<id>/ and stay open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "platform/inference/engine_server.hpp"
#include "platform/inference/runtime.hpp"

namespace narralytica::transcript {

struct RecognitionOptions {
  std::string models_dir;      // holds silero-vad/, whisper-base/, moonshine-tiny-en/, ...
  std::string sherpa_library;  // libsherpa-onnx-c-api.so; loaded when a sherpa-onnx model is used
  int threads = 2;             // cores that recognition may use; the result does not depend on it
  uint64_t memory_bytes_max = uint64_t{4} << 30;  // a model that does not work in it is refused
};

void RegisterRecognition(platform::EngineServer& server,
                         std::shared_ptr<const platform::Runtime> runtime,
                         RecognitionOptions options);

}  // namespace narralytica::transcript
