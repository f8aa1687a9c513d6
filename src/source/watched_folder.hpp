// Watched folders: which may be watched, and what is in one.
//
// A folder is watched when it lies, links resolved, below a root that the configuration names.
// Links inside it are not followed, neither when it is listed nor when a file is opened: the kernel
// opens the file beneath the folder (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS), so that
// a path which is exchanged in between leads nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "platform/file.hpp"

namespace narralytica::source {

// The folder's real path. kInvalid when it is not an absolute path to a folder below one of
// `roots`; the message does not tell what is elsewhere.
Result<std::string> CheckFolder(const std::string& path, const std::vector<std::string>& roots);

struct FolderFile {
  std::string path;  // relative to the folder
  // Changes with its content: size and time of the last change.
  std::string mark;
  int64_t changed_ms = 0;  // the latter, UTC
};

// Recordings, by their endings, at any depth up to 16, sorted by path; hidden files and folders,
// links and what cannot be read are left out. kLimited when there are more than `files_max` files.
Result<std::vector<FolderFile>> ListFolder(const std::string& folder, int files_max,
                                           const Deadline& deadline);

// kConflict when it is not there any more as it was listed.
Result<platform::FileDescriptor> OpenInFolder(const std::string& folder, const FolderFile& file);
// kConflict when the file has changed since it was listed.
Status CheckUnchanged(const platform::FileDescriptor& open, const FolderFile& file);

}  // namespace narralytica::source
