// The models on disk, as set-up described them: one folder each with a model.json.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace narralytica::app {

struct Model {
  std::string id;  // "whisper-base"
  std::string task;
  std::string version;
  std::string licence;
  std::string hash;    // sha256 over the files' names and hashes
  std::string folder;  // where it lies
  int64_t bytes = 0;
  std::map<std::string, std::string> files;  // name -> sha256
};

// Sorted by id. kNotFound with the command to run when there are none.
Result<std::vector<Model>> ListModels(const std::string& models_folder);
// Reads every file; kCorrupt names the first that differs.
Status VerifyModel(const Model& model);

}  // namespace narralytica::app
