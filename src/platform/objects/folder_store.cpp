#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/hash.hpp"
#include "platform/file.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::platform {
namespace {

namespace fs = std::filesystem;

// docs/formats/object.md
constexpr size_t kHeaderBytes = 64;
constexpr std::string_view kMagic = "NRLOBJ1\n";
constexpr std::string_view kNoKey = "none";
constexpr size_t kLengthAt = 8;
constexpr size_t kKeyIdAt = 16;
constexpr size_t kKeyIdBytes = 48;
constexpr size_t kBufferBytes = 1 << 20;

std::array<uint8_t, kHeaderBytes> MakeHeader(uint64_t content_bytes) {
  std::array<uint8_t, kHeaderBytes> header{};
  std::copy(kMagic.begin(), kMagic.end(), header.begin());
  for (size_t i = 0; i < 8; ++i) {
    header[kLengthAt + i] = static_cast<uint8_t>(content_bytes >> (8 * i));
  }
  std::copy(kNoKey.begin(), kNoKey.end(), header.begin() + kKeyIdAt);
  return header;
}

Error Corrupt(const std::string& key, std::string cause) {
  return {ErrorCode::kCorrupt,
          fmt::format("object {} is damaged", key),
          "run narralytica fsck; restore the object from a backup",
          std::move(cause),
          {}};
}

Status WriteAll(int fd, std::span<const uint8_t> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = write(fd, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Fail(ErrnoError("the object store", errno));
    done += static_cast<size_t>(put);
  }
  return {};
}

// Reads up to buffer.size() bytes; 0 at the end.
Result<size_t> ReadSome(int fd, std::span<uint8_t> buffer, std::string_view what) {
  while (true) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) return Fail(ErrnoError(what, errno));
  }
}

// A file being written in the store's own folder; gone unless kept. Its writer holds a lock on it,
// so that what a dead writer left is told from what is being written.
class PendingFile {
 public:
  static Result<PendingFile> Create(const std::string& folder) {
    while (true) {
      std::string path = folder + "/" + std::string(kPendingPrefix) + "XXXXXX";
      FileDescriptor file(mkostemp(path.data(), O_CLOEXEC));
      if (!file.valid() || flock(file.get(), LOCK_EX) != 0) {
        return Fail(ErrnoError("the object store", errno));
      }
      struct stat status{};
      // A sweep may have come between the two calls.
      if (fstat(file.get(), &status) == 0 && status.st_nlink == 0) continue;
      return PendingFile(std::move(file), path);
    }
  }
  PendingFile(PendingFile&&) = default;
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile() {
    if (file_.valid()) unlink(path_.c_str());
  }

  // Removes those whose writers are gone.
  static void Sweep(const std::string& folder) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (!entry.path().filename().string().starts_with(kPendingPrefix)) continue;
      const FileDescriptor file(open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
      if (file.valid() && flock(file.get(), LOCK_EX | LOCK_NB) == 0) unlink(entry.path().c_str());
    }
  }

  int fd() const { return file_.get(); }

  Status Keep(const std::string& target) {
    if (fchmod(file_.get(), 0440) != 0 || fsync(file_.get()) != 0) {
      return Fail(ErrnoError("the object store", errno));
    }
    NRL_CHECK(CreateFolders(fs::path(target).parent_path().string()));
    if (rename(path_.c_str(), target.c_str()) != 0) {
      return Fail(ErrnoError("the object store", errno));
    }
    file_.Close();
    return SyncFolder(fs::path(target).parent_path().string());
  }

 private:
  static constexpr std::string_view kPendingPrefix = "pending-";

  PendingFile(FileDescriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  FileDescriptor file_;
  std::string path_;
};

// Names in a folder, sorted; empty for one that is gone.
std::vector<std::string> SortedNames(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

class FolderStore final : public ObjectStore {
 public:
  explicit FolderStore(std::string folder) : folder_(std::move(folder)) {}

  Result<int64_t> FreeBytes() override {
    std::error_code error;
    const fs::space_info space = fs::space(folder_, error);
    if (error) return Fail(ErrnoError("the object store", error.value()));
    return static_cast<int64_t>(space.available);
  }

  Result<ObjectRef> Put(const TenantId& tenant, std::span<const uint8_t> content) override {
    ObjectRef ref = MakeRef(tenant, Sha256Hex(content), static_cast<int64_t>(content.size()));
    NRL_TRY(PendingFile file, PendingFile::Create(folder_));
    NRL_CHECK(WriteAll(file.fd(), MakeHeader(content.size())));
    NRL_CHECK(WriteAll(file.fd(), content));
    NRL_TRY(const std::string path, PathOf(ref.key));
    NRL_CHECK(file.Keep(path));
    return ref;
  }

  Result<ObjectRef> PutFile(const TenantId& tenant, const std::string& path,
                            const std::function<void(int64_t)>& progress) override {
    const FileDescriptor input(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!input.valid()) return Fail(ErrnoError(fs::path(path).filename().string(), errno));
    NRL_TRY(PendingFile file, PendingFile::Create(folder_));
    NRL_CHECK(WriteAll(file.fd(), MakeHeader(0)));
    std::vector<uint8_t> buffer(kBufferBytes);
    Sha256 hash;
    int64_t done_bytes = 0;
    while (true) {
      NRL_TRY(const size_t got, ReadSome(input.get(), buffer, "the input file"));
      if (got == 0) break;
      hash.Update(std::span(buffer).first(got));
      NRL_CHECK(WriteAll(file.fd(), std::span(buffer).first(got)));
      done_bytes += static_cast<int64_t>(got);
      if (progress) progress(done_bytes);
    }
    const auto header = MakeHeader(static_cast<uint64_t>(done_bytes));
    if (pwrite(file.fd(), header.data(), header.size(), 0) != kHeaderBytes) {
      return Fail(ErrnoError("the object store", errno));
    }
    ObjectRef ref = MakeRef(tenant, hash.FinishHex(), done_bytes);
    NRL_TRY(const std::string target, PathOf(ref.key));
    NRL_CHECK(file.Keep(target));
    return ref;
  }

  Result<std::vector<uint8_t>> Get(const std::string& key, int64_t bytes_max) override {
    NRL_TRY(const LocalObject object, Locate(key));
    if (object.bytes > bytes_max) {
      return Fail(ErrorCode::kLimited, fmt::format("object {} has {} bytes, more than {}", key,
                                                   object.bytes, bytes_max));
    }
    std::vector<uint8_t> content;
    content.reserve(static_cast<size_t>(object.bytes));
    NRL_CHECK(Read(key, object, [&](std::span<const uint8_t> part) {
      content.insert(content.end(), part.begin(), part.end());
    }));
    return content;
  }

  Result<LocalObject> Locate(const std::string& key) override {
    NRL_TRY(const std::string path, PathOf(key));
    const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) {
      Error error = ErrnoError("object " + key, errno);
      return Fail(std::move(error));
    }
    std::array<uint8_t, kHeaderBytes> header{};
    struct stat status{};
    if (pread(file.get(), header.data(), header.size(), 0) != kHeaderBytes ||
        fstat(file.get(), &status) != 0 ||
        !std::equal(kMagic.begin(), kMagic.end(), header.begin())) {
      return Fail(Corrupt(key, "bad header"));
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < 8; ++i) {
      bytes |= static_cast<uint64_t>(header[kLengthAt + i]) << (8 * i);
    }
    const std::string key_id(
        reinterpret_cast<const char*>(header.data()) + kKeyIdAt,
        strnlen(reinterpret_cast<const char*>(header.data()) + kKeyIdAt, kKeyIdBytes));
    if (key_id != kNoKey) return Fail(Corrupt(key, "unknown encryption key " + key_id));
    if (static_cast<uint64_t>(status.st_size) != kHeaderBytes + bytes) {
      return Fail(Corrupt(key, "wrong length"));
    }
    return LocalObject{path, kHeaderBytes, static_cast<int64_t>(bytes)};
  }

  Status Verify(const std::string& key) override {
    NRL_TRY(const LocalObject object, Locate(key));
    return Read(key, object, [](std::span<const uint8_t>) {});
  }

  Status Remove(const std::string& key) override {
    NRL_TRY(const std::string path, PathOf(key));
    if (unlink(path.c_str()) != 0 && errno != ENOENT) {
      return Fail(ErrnoError("object " + key, errno));
    }
    return {};
  }

  Result<std::vector<ListedObject>> List(const std::string& after, int limit) override {
    std::vector<ListedObject> objects;
    const std::string after_tenant = after.substr(0, after.find('/'));
    for (const std::string& tenant : SortedNames(folder_)) {
      if (tenant < after_tenant || !IsUuid(tenant)) continue;
      for (const std::string& prefix : SortedNames(folder_ + "/" + tenant)) {
        const std::string folder = fmt::format("{}/{}/{}", folder_, tenant, prefix);
        // Every digest in a folder starts with the folder's name.
        if (tenant + "/" + prefix < after.substr(0, tenant.size() + 1 + prefix.size())) continue;
        for (const std::string& digest : SortedNames(folder)) {
          std::string key = tenant + "/" + digest;
          struct stat status{};
          if (key <= after || stat((folder + "/" + digest).c_str(), &status) != 0) continue;
          objects.push_back({std::move(key), WrittenAt(status)});
          if (objects.size() >= static_cast<size_t>(limit)) return objects;
        }
      }
    }
    return objects;
  }

 private:
  static ObjectRef MakeRef(const TenantId& tenant, std::string sha256, int64_t bytes) {
    return {tenant.str() + "/" + sha256, sha256, bytes};
  }

  static UtcMs WrittenAt(const struct stat& status) {
    return {int64_t{status.st_mtim.tv_sec} * 1'000 + status.st_mtim.tv_nsec / 1'000'000};
  }

  Result<std::string> PathOf(const std::string& key) const {
    const size_t slash = key.find('/');
    if (slash == std::string::npos || !IsUuid(key.substr(0, slash)) ||
        key.size() - slash - 1 != 64 ||
        key.find_first_not_of("0123456789abcdef", slash + 1) != std::string::npos) {
      return Fail(ErrorCode::kInvalid, "that is not the key of an object", {}, key.substr(0, 120));
    }
    const std::string digest = key.substr(slash + 1);
    return fmt::format("{}/{}/{}/{}", folder_, key.substr(0, slash), digest.substr(0, 2), digest);
  }

  static Status Read(const std::string& key, const LocalObject& object,
                     const std::function<void(std::span<const uint8_t>)>& sink) {
    const FileDescriptor file(open(object.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid() || lseek(file.get(), object.offset_bytes, SEEK_SET) < 0) {
      return Fail(ErrnoError("object " + key, errno));
    }
    Sha256 hash;
    std::vector<uint8_t> buffer(kBufferBytes);
    while (true) {
      NRL_TRY(const size_t got, ReadSome(file.get(), buffer, "object " + key));
      if (got == 0) break;
      hash.Update(std::span(buffer).first(got));
      sink(std::span(buffer).first(got));
    }
    if (hash.FinishHex() != key.substr(key.find('/') + 1)) {
      return Fail(Corrupt(key, "content does not match its hash"));
    }
    return {};
  }

  const std::string folder_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenFolderStore(const std::string& folder) {
  NRL_CHECK(CreateFolders(folder));
  PendingFile::Sweep(folder);
  return std::make_unique<FolderStore>(folder);
}

}  // namespace narralytica::platform
