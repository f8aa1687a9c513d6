#include "transcript/model_folder.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace narralytica::transcript {
namespace {

constexpr int64_t kMegabyte = int64_t{1} << 20;
// The runtime and the sentence encoder while it is opened, beside a model of which every byte has
// grown to so many.
constexpr int64_t kEngineBytes = 620 * kMegabyte;
constexpr int64_t kOpenedPerByte = 2;

}  // namespace

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

int64_t EngineBytesFor(const std::string& model_dir) {
  int64_t graphs = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(model_dir, error)) {
    const auto extension = entry.path().extension();
    if (extension == ".onnx" || extension == ".ort") graphs += int64_t(entry.file_size(error));
  }
  const auto bytes = kEngineBytes + graphs * kOpenedPerByte;
  return (bytes + kMegabyte - 1) / kMegabyte * kMegabyte;
}

Status FitsEngine(const std::string& model_dir, uint64_t memory_bytes_max) {
  const int64_t needed = EngineBytesFor(model_dir);
  if (uint64_t(needed) <= memory_bytes_max) return {};
  return Fail(
      ErrorCode::kInvalid,
      fmt::format("model '{}' needs {} MiB of memory, engine.memory_bytes_max gives it {} MiB",
                  std::filesystem::path(model_dir).filename().string(), needed / kMegabyte,
                  memory_bytes_max / uint64_t(kMegabyte)),
      fmt::format("set engine.memory_bytes_max={} or more, or choose a smaller model", needed));
}

}  // namespace narralytica::transcript
