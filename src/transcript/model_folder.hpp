// What every converted model's folder says in its model.json.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace narralytica::transcript {

struct ModelFacts {
  std::string id;    // "whisper-base"
  std::string hash;  // of the converted files
};

// kNotFound without a model.json in `model_dir`, kCorrupt when it cannot be read.
Result<ModelFacts> ReadModelFacts(const std::string& model_dir);

// The whole file `name` of `model_dir`; kNotFound when it is missing.
Result<std::string> ReadModelFile(const std::string& model_dir, const char* name);

// The memory that an engine works in with this model and the sentence encoder, batches halved down
// to single windows: what was measured with Whisper base and tiny.en (tests/pipeline/
// threads_test.py), between and beyond them by the size of the model's graphs.
int64_t EngineBytesFor(const std::string& model_dir);

// kInvalid, with the number to set, when the model does not work in `memory_bytes_max`.
Status FitsEngine(const std::string& model_dir, uint64_t memory_bytes_max);

}  // namespace narralytica::transcript
