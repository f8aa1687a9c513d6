// `models import`: somebody else's checkpoint folder becomes a model, by the conversion that set-up
// uses (tools/model_import.py), in a process of its own.
#pragma once

#include <string>

#include "base/deadline.hpp"
#include "base/result.hpp"

namespace narralytica::app {

struct ModelImport {
  std::string folder;         // the checkpoint
  std::string models_folder;  // where the model is put
  std::string name;           // its id; empty: made of the folder's name
  std::string licence;
  bool replace = false;  // an imported model of that name
};

// The new model's id. kInvalid, with what the tool said, for a folder that is no model it knows or
// a name that is taken; kUnavailable without the tool or Python, or past the deadline; kCanceled
// after its stop.
Result<std::string> ImportModel(const ModelImport& wanted, const Deadline& deadline);

}  // namespace narralytica::app
