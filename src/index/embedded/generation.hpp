// Where the generations of an embedded index lie, and which one is current.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "platform/file.hpp"

namespace narralytica::index {

inline constexpr const char* kFirstGeneration = "main";
inline constexpr size_t kGenerationNameBytesMax = 64;

// Paths inside one generation's folder.
struct GenerationPaths {
  std::string folder;
  std::string words() const { return folder + "/words"; }
  std::string description() const { return folder + "/generation.json"; }
  std::string manifest(uint64_t number) const;
};

// 1 to 64 of a-z 0-9 - _, so that a name is a safe folder name. kInvalid otherwise.
Status CheckGenerationName(const std::string& name);
GenerationPaths PathsOf(const std::string& index_folder, const std::string& generation);

// nullopt before the first write.
Result<std::optional<std::string>> CurrentGeneration(const std::string& index_folder);
Status SetCurrentGeneration(const std::string& index_folder, const std::string& generation);
// Every generation's name, sorted.
std::vector<std::string> ListGenerations(const std::string& index_folder);

// Makes the folder and its description, or checks an existing one: kConflict when another text
// analysis made it.
Status PrepareGeneration(const GenerationPaths& paths);
Status CheckDescription(const GenerationPaths& paths);

// The writer's exclusive lock; kUnavailable when another process holds it until the deadline.
Result<platform::FileDescriptor> LockIndex(const std::string& index_folder,
                                           const Deadline& deadline);

}  // namespace narralytica::index
