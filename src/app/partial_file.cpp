#include "app/partial_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace narralytica::app {

Result<PartialFile> PartialFile::Create(const std::string& path) {
  const std::string partial = path + ".partial";
  platform::FileDescriptor file(
      open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.valid()) return Fail(platform::ErrnoError(path, errno));
  return PartialFile(path, std::move(file));
}

PartialFile::~PartialFile() {
  if (!path_.empty()) unlink(partial().c_str());
}

Status PartialFile::Write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(file_.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Fail(platform::ErrnoError(path_, errno));
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return {};
}

Status PartialFile::Commit() {
  std::error_code error;
  std::filesystem::rename(partial(), path_, error);
  if (error) return Fail(platform::ErrnoError(path_, error.value()));
  path_.clear();
  return {};
}

}  // namespace narralytica::app
