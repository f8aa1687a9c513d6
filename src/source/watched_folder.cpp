#include "source/watched_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

namespace narralytica::source {
namespace {

namespace fs = std::filesystem;

constexpr int kDepthMax = 16;
constexpr std::array<std::string_view, 27> kEndings{
    ".3gp",  ".aac",  ".ac3", ".aif", ".aiff", ".amr", ".avi",  ".flac", ".flv",
    ".m2ts", ".m4a",  ".m4b", ".m4v", ".mka",  ".mkv", ".mov",  ".mp2",  ".mp3",
    ".mp4",  ".mpeg", ".mpg", ".oga", ".ogg",  ".ogv", ".opus", ".wav",  ".webm"};

Error NotAllowed() {
  return {ErrorCode::kInvalid,
          "this is not a folder that may be watched",
          "name a folder below one of sources.folder_roots",
          {},
          "folder_not_allowed"};
}

Error Changed(const std::string& path) {
  return {ErrorCode::kConflict,
          fmt::format("{} has changed meanwhile", path),
          "it is looked at again",
          {},
          "file_changed"};
}

bool IsRecording(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::binary_search(kEndings, ending);
}

bool IsBelow(const fs::path& path, const fs::path& root) {
  const auto [end, ignored] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return end == root.end();
}

int64_t ChangedMs(const struct stat& status) {
  return int64_t{status.st_mtim.tv_sec} * 1'000 + status.st_mtim.tv_nsec / 1'000'000;
}

std::string MarkOf(const struct stat& status) {
  return fmt::format("{}:{}.{:09}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace

Result<std::string> CheckFolder(const std::string& path, const std::vector<std::string>& roots) {
  if (!path.starts_with('/') || path.contains('\0')) return Fail(NotAllowed());
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error || !fs::is_directory(real, error) || error) return Fail(NotAllowed());
  for (const std::string& root : roots) {
    std::error_code missing;
    const fs::path real_root = fs::canonical(root, missing);
    if (!missing && IsBelow(real, real_root)) return real.string();
  }
  return Fail(NotAllowed());
}

Result<std::vector<FolderFile>> ListFolder(const std::string& folder, int files_max,
                                           const Deadline& deadline) {
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied,
                                         error);
  if (error) return Fail(platform::ErrnoError("the watched folder", error.value()));
  std::vector<FolderFile> files;
  int seen = 0;
  for (; entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (error) return Fail(platform::ErrnoError("the watched folder", error.value()));
    NRL_CHECK(deadline.Check("listing the watched folder"));
    if (++seen > files_max) {
      return Fail(ErrorCode::kLimited, fmt::format("the folder has more than {} files", files_max),
                  "watch a smaller folder, or raise sources.files_max");
    }
    const fs::path& path = entry->path();
    const bool hidden = path.filename().string().starts_with('.');
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) {
      if (hidden || entry.depth() >= kDepthMax) entry.disable_recursion_pending();
      continue;
    }
    if (hidden || !S_ISREG(status.st_mode) || !IsRecording(path)) continue;
    files.push_back({path.lexically_relative(folder).string(), MarkOf(status), ChangedMs(status)});
  }
  std::ranges::sort(files, {}, &FolderFile::path);
  return files;
}

Result<platform::FileDescriptor> OpenInFolder(const std::string& folder, const FolderFile& file) {
  const platform::FileDescriptor beneath(
      open(folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!beneath.valid()) return Fail(platform::ErrnoError("the watched folder", errno));
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  platform::FileDescriptor opened(
      static_cast<int>(syscall(SYS_openat2, beneath.get(), file.path.c_str(), &how, sizeof(how))));
  if (!opened.valid()) return Fail(Changed(file.path));
  NRL_CHECK(CheckUnchanged(opened, file));
  return opened;
}

Status CheckUnchanged(const platform::FileDescriptor& open, const FolderFile& file) {
  struct stat status{};
  if (fstat(open.get(), &status) != 0 || !S_ISREG(status.st_mode) || MarkOf(status) != file.mark) {
    return Fail(Changed(file.path));
  }
  return {};
}

}  // namespace narralytica::source
