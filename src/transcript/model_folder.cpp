#include "transcript/model_folder.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace narralytica::transcript {

Result<std::string> ReadModelFile(const std::string& model_dir, const char* name) {
  std::ifstream file(std::filesystem::path(model_dir) / name, std::ios::binary);
  if (!file) {
    return Fail(ErrorCode::kNotFound, fmt::format("a model lacks its file {}", name),
                "run `make models` to fetch and convert it", model_dir);
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<ModelFacts> ReadModelFacts(const std::string& model_dir) {
  NRL_TRY(const std::string text, ReadModelFile(model_dir, "model.json"));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto field = [&](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string()
               ? json[key].get<std::string>()
               : std::string();
  };
  ModelFacts facts{field("id"), field("hash")};
  if (facts.id.empty() || facts.hash.empty()) {
    return Fail(ErrorCode::kCorrupt, "a model's model.json cannot be read",
                "run `make models` to fetch and convert it again", model_dir);
  }
  return facts;
}

}  // namespace narralytica::transcript
