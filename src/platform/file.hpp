// Small things about files that everybody needs and must get right the same way.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace narralytica::platform {

// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { Close(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Close();

 private:
  int fd_ = -1;
};

// The reason of every error that a full disk, or one without a file left to give, is the cause of:
// nothing is wrong with what was asked for, and it works once there is room.
inline constexpr const char* kDiskFull = "disk_full";

// kNotFound, kDenied or kUnavailable from errno, with `what` as the thing named.
Error ErrnoError(std::string_view what, int error);

// The whole file; kLimited when it is larger.
Result<std::string> ReadFile(const std::string& path, int64_t bytes_max);
// Writes beside, syncs, renames: readers see the old or the new content, never a part.
Status WriteFileAtomically(const std::string& path, std::span<const uint8_t> content);
Status WriteFileAtomically(const std::string& path, std::string_view content);
Status CreateFolders(const std::string& path);
// Syncs a folder, so that a rename inside it survives a power cut.
Status SyncFolder(const std::string& path);
// The folder of the running program.
std::string ProgramFolder();
std::string ProgramPath();

// A folder that is removed with all it holds when the object goes. It is locked until then, so that
// what a killed process left can be told from what is in use.
class TemporaryFolder {
 public:
  // Makes a fresh folder inside `parent`, which is created if needed.
  static Result<TemporaryFolder> Create(const std::string& parent, std::string_view prefix);
  // Removes the temporary folders in `parent` that no process holds any more; gives their number.
  static int SweepAbandoned(const std::string& parent);
  TemporaryFolder(TemporaryFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();
  const std::string& path() const { return path_; }

 private:
  TemporaryFolder(std::string path, FileDescriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  FileDescriptor lock_;
};

}  // namespace narralytica::platform
