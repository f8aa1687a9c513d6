// A file that appears under its name once it is whole.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "platform/file.hpp"

namespace narralytica::app {

// Writes to `path`.partial, which goes unless it is committed. Errors name `path`. Not thread-safe.
class PartialFile {
 public:
  static Result<PartialFile> Create(const std::string& path);
  PartialFile(PartialFile&& other) noexcept
      : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile();

  Status Write(std::span<const uint8_t> bytes);
  // The file as it is now, under its name.
  Status Commit();

 private:
  PartialFile(std::string path, platform::FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}
  std::string partial() const { return path_ + ".partial"; }

  std::string path_;  // empty: nothing to remove
  platform::FileDescriptor file_;
};

}  // namespace narralytica::app
