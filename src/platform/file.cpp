#include "platform/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace narralytica::platform {

namespace fs = std::filesystem;

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Error ErrnoError(std::string_view what, int error) {
  const std::string cause = std::strerror(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorCode::kNotFound,
              fmt::format("{} does not exist", what),
              "check the name",
              cause,
              {}};
    case EACCES:
    case EPERM:
    case EROFS:
      return {ErrorCode::kDenied,
              fmt::format("{} may not be opened", what),
              "check its permissions",
              cause,
              {}};
    case ENOSPC:
    case EDQUOT:
      return {ErrorCode::kUnavailable, fmt::format("the disk is full for {}", what),
              "free space on it, then try again", cause, kDiskFull};
    case EISDIR:
      return {ErrorCode::kInvalid, fmt::format("{} is a folder", what), "name a file", cause, {}};
    default:
      return {ErrorCode::kUnavailable,
              fmt::format("{} cannot be read or written", what),
              "check the disk, then try again",
              cause,
              {}};
  }
}

Result<std::string> ReadFile(const std::string& path, int64_t bytes_max) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Fail(ErrnoError(path, errno));
  std::string content;
  std::vector<char> buffer(64 * 1024);
  while (true) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(ErrnoError(path, errno));
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<size_t>(got));
    if (static_cast<int64_t>(content.size()) > bytes_max) {
      return Fail(ErrorCode::kLimited, fmt::format("{} is larger than {} bytes", path, bytes_max));
    }
  }
}

Status WriteFileAtomically(const std::string& path, std::span<const uint8_t> content) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, getpid());
  FileDescriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!file.valid()) return Fail(ErrnoError(path, errno));
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t put = write(file.get(), content.data() + done, content.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const int error = errno;
      unlink(temporary.c_str());
      return Fail(ErrnoError(path, error));
    }
    done += static_cast<size_t>(put);
  }
  if (fsync(file.get()) != 0 || rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return Fail(ErrnoError(path, error));
  }
  return SyncFolder(fs::path(path).parent_path().string());
}

Status WriteFileAtomically(const std::string& path, std::string_view content) {
  return WriteFileAtomically(
      path, std::span(reinterpret_cast<const uint8_t*>(content.data()), content.size()));
}

Status CreateFolders(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return Fail(ErrnoError(path, error.value()));
  return {};
}

Status SyncFolder(const std::string& path) {
  const FileDescriptor folder(
      open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || fsync(folder.get()) != 0) return Fail(ErrnoError(path, errno));
  return {};
}

std::string ProgramPath() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).string();
}

std::string ProgramFolder() { return fs::path(ProgramPath()).parent_path().string(); }

namespace {

constexpr std::string_view kRandomPart = "-XXXXXX";

// Holds it until closed; invalid when somebody else does, or it is gone.
FileDescriptor LockFolder(const std::string& path) {
  FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!folder.valid() || flock(folder.get(), LOCK_EX | LOCK_NB) != 0 ||
      fstat(folder.get(), &status) != 0 || status.st_nlink == 0) {
    return {};
  }
  return folder;
}

}  // namespace

Result<TemporaryFolder> TemporaryFolder::Create(const std::string& parent,
                                                std::string_view prefix) {
  NRL_CHECK(CreateFolders(parent));
  while (true) {
    std::string path = fmt::format("{}/{}{}", parent, prefix, kRandomPart);
    if (mkdtemp(path.data()) == nullptr) return Fail(ErrnoError(parent, errno));
    FileDescriptor lock = LockFolder(path);
    // Else a sweep came between the two calls.
    if (lock.valid()) return TemporaryFolder(path, std::move(lock));
  }
}

int TemporaryFolder::SweepAbandoned(const std::string& parent) {
  int swept = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_ours =
        name.size() > kRandomPart.size() && name[name.size() - kRandomPart.size()] == '-';
    if (!is_ours || !LockFolder(entry.path().string()).valid()) continue;
    fs::remove_all(entry.path(), ignored);
    ++swept;
  }
  return swept;
}

TemporaryFolder::~TemporaryFolder() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace narralytica::platform
