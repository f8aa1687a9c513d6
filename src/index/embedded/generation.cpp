#include "index/embedded/generation.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "index/embedded/manifest.hpp"
#include "index/text_analysis.hpp"

namespace narralytica::index {
namespace {

namespace fs = std::filesystem;

constexpr int kFormatVersion = 1;
constexpr int64_t kDescriptionBytesMax = 64 << 10;

std::string CurrentPath(const std::string& index_folder) { return index_folder + "/CURRENT"; }

bool IsGenerationName(const std::string& name) {
  return !name.empty() && name.size() <= kGenerationNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

}  // namespace

std::string GenerationPaths::manifest(uint64_t number) const {
  return fmt::format("{}/manifest-{}.nrm", folder, number);
}

Status CheckGenerationName(const std::string& name) {
  if (IsGenerationName(name)) return {};
  return Fail(ErrorCode::kInvalid, "this is not a name for an index generation",
              "use 1 to 64 of a-z, 0-9, - and _");
}

GenerationPaths PathsOf(const std::string& index_folder, const std::string& generation) {
  return {index_folder + "/" + generation};
}

Result<std::optional<std::string>> CurrentGeneration(const std::string& index_folder) {
  auto name = platform::ReadFile(CurrentPath(index_folder), kGenerationNameBytesMax + 1);
  if (!name) {
    if (name.error().code == ErrorCode::kNotFound) return std::nullopt;
    return Fail(name);
  }
  if (name->ends_with('\n')) name->pop_back();
  if (!IsGenerationName(*name)) return Fail(DamagedPart("pointer to the generation", *name));
  return std::optional(std::move(*name));
}

Status SetCurrentGeneration(const std::string& index_folder, const std::string& generation) {
  return platform::WriteFileAtomically(CurrentPath(index_folder), generation + "\n");
}

std::vector<std::string> ListGenerations(const std::string& index_folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(index_folder, ignored)) {
    const std::string name = entry.path().filename();
    if (!IsGenerationName(name)) continue;
    if (fs::exists(PathsOf(index_folder, name).description(), ignored)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status CheckDescription(const GenerationPaths& paths) {
  NRL_TRY(const std::string text, platform::ReadFile(paths.description(), kDescriptionBytesMax));
  const auto description = nlohmann::json::parse(text, nullptr, false);
  if (!description.is_object() || description.value("format", 0) != kFormatVersion) {
    return Fail(DamagedPart("generation's description", text.substr(0, 200)));
  }
  if (description.value("analysis_hash", "") != AnalysisHash()) {
    return Fail(ErrorCode::kConflict, "the index was built by another text analysis",
                "rebuild it: `narralytica index rebuild`");
  }
  return {};
}

Status PrepareGeneration(const GenerationPaths& paths) {
  std::error_code ignored;
  if (fs::exists(paths.description(), ignored)) return CheckDescription(paths);
  NRL_CHECK(platform::CreateFolders(paths.folder));
  const nlohmann::json description{{"format", kFormatVersion}, {"analysis_hash", AnalysisHash()}};
  return platform::WriteFileAtomically(paths.description(), description.dump(2) + "\n");
}

Result<platform::FileDescriptor> LockIndex(const std::string& index_folder,
                                           const Deadline& deadline) {
  const std::string path = index_folder + "/LOCK";
  platform::FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!file.valid()) return Fail(platform::ErrnoError("the index's lock", errno));
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return Fail(platform::ErrnoError("the index's lock", errno));
    }
    if (deadline.stopped()) return Fail(deadline.Check("waiting for the index's writer").error());
    if (deadline.expired()) {
      return Fail(ErrorCode::kUnavailable, "another process is writing the index", "try again");
    }
    std::this_thread::sleep_for(deadline.Left(std::chrono::milliseconds{20}));
  }
  return file;
}

}  // namespace narralytica::index
