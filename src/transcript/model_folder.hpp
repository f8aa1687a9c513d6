// What every converted model's folder says in its model.json.
#pragma once

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

}  // namespace narralytica::transcript
