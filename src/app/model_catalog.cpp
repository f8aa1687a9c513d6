#include "app/model_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/hash.hpp"
#include "platform/file.hpp"

namespace narralytica::app {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kModelJsonBytesMax = 1 << 20;
constexpr const char* kInstallHint = "run: make models";

Result<Model> ReadModel(const fs::path& folder) {
  NRL_TRY(const std::string text,
          platform::ReadFile((folder / "model.json").string(), kModelJsonBytesMax));
  try {
    const auto json = nlohmann::json::parse(text);
    Model model{json.at("id"),
                json.at("task"),
                json.at("version"),
                json.at("licence"),
                json.at("hash"),
                folder.string(),
                0,
                {}};
    for (const auto& [name, file] : json.at("files").items()) {
      model.files.emplace(name, file.at("sha256"));
      model.bytes += file.at("bytes").get<int64_t>();
    }
    return model;
  } catch (const nlohmann::json::exception& exception) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("model {} has no readable description", folder.filename().string()),
                kInstallHint, exception.what());
  }
}

Result<std::string> HashFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(ErrorCode::kNotFound, path.filename().string() + " is missing");
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) ||
         file.gcount() > 0) {
    hash.Update(
        {reinterpret_cast<const uint8_t*>(buffer.data()), static_cast<size_t>(file.gcount())});
  }
  return hash.FinishHex();
}

}  // namespace

Result<std::vector<Model>> ListModels(const std::string& models_folder) {
  std::vector<Model> models;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(models_folder, error)) {
    if (!entry.is_directory() || !fs::exists(entry.path() / "model.json")) continue;
    NRL_TRY(Model model, ReadModel(entry.path()));
    models.push_back(std::move(model));
  }
  if (models.empty()) {
    return Fail(ErrorCode::kNotFound, "no models are installed", kInstallHint, models_folder);
  }
  std::ranges::sort(models, {}, &Model::id);
  return models;
}

Status VerifyModel(const Model& model) {
  for (const auto& [name, sha256] : model.files) {
    const auto actual = HashFile(fs::path(model.folder) / name);
    if (!actual || *actual != sha256) {
      return Fail(ErrorCode::kCorrupt, fmt::format("{} of model {} is damaged", name, model.id),
                  kInstallHint);
    }
  }
  return {};
}

}  // namespace narralytica::app
