#include "source/uploads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>

#include "base/utf8.hpp"

namespace narralytica::source {
namespace {

namespace fs = std::filesystem;
using platform::Row;
using platform::Rows;
using platform::Statement;

#define NRL_UPLOAD_COLUMNS "id, bytes_total, metadata, video_id, created_at_ms, expires_at_ms"

constexpr Statement kInsert{
    "uploads.insert",
    "INSERT INTO uploads (id, tenant_id, bytes_total, metadata, created_at_ms, expires_at_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6)"};
constexpr Statement kCountOpen{"uploads.count_open",
                               "SELECT COUNT(*) FROM uploads WHERE tenant_id = $1"
                               " AND video_id IS NULL AND expires_at_ms > $2"};
constexpr Statement kGet{
    "uploads.get", "SELECT " NRL_UPLOAD_COLUMNS " FROM uploads WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kProlong{"uploads.prolong",
                             "UPDATE uploads SET expires_at_ms = $3"
                             " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kNoteVideo{"uploads.note_video",
                               "UPDATE uploads SET video_id = $3"
                               " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kDelete{"uploads.delete",
                            "DELETE FROM uploads WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kForget{"uploads.forget",
                            "DELETE FROM uploads WHERE tenant_id = $1 AND expires_at_ms < $2"};
constexpr Statement kWithoutUse{"uploads.without_use",
                                "SELECT id FROM uploads WHERE tenant_id = $1"
                                " AND (video_id IS NOT NULL OR expires_at_ms <= $2)"};

constexpr const char* kWhat = "the folder of uploads";

Upload ReadUpload(const Row& row) {
  Upload upload{UploadId::FromTrusted(row.Text(0)),
                row.Int(1),
                row.Text(2),
                {},
                UtcMs{row.Int(4)},
                UtcMs{row.Int(5)}};
  if (!row.IsNull(3)) upload.video = VideoId::FromTrusted(row.Text(3));
  return upload;
}

Result<int64_t> SizeOf(int file) {
  struct stat status{};
  if (fstat(file, &status) != 0) return Fail(platform::ErrnoError(kWhat, errno));
  return status.st_size;
}

// Held for one check and one write.
class FileLock {
 public:
  explicit FileLock(int file) : file_(file), held_(flock(file, LOCK_EX) == 0) {}
  ~FileLock() {
    if (held_) flock(file_, LOCK_UN);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  bool held() const { return held_; }

 private:
  const int file_;
  const bool held_;
};

std::unexpected<Error> OtherEnd(int64_t end_bytes) {
  return Fail(ErrorCode::kConflict, fmt::format("{} bytes of the upload have arrived", end_bytes),
              "ask for Upload-Offset with HEAD and go on from there");
}

}  // namespace

void UploadsConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("uploads.expire_after_ms", &expire_after_ms, {1'000, 90 * 86'400'000LL},
               "how long an upload is kept without a byte");
  binder.Field("uploads.open_max", &open_max, {1, 1'000'000}, "unfinished uploads of a tenant");
}

Status UploadAppender::Write(std::span<const uint8_t> bytes) {
  if (std::cmp_greater(bytes.size(), bytes_total_ - offset_bytes_)) {
    return Fail(Error{ErrorCode::kLimited,
                      fmt::format("the upload has {} bytes and no more", bytes_total_),
                      "send what Upload-Length says",
                      {},
                      "payload_too_large"});
  }
  const FileLock lock(file_.get());
  if (!lock.held()) return Fail(platform::ErrnoError(kWhat, errno));
  NRL_TRY(const int64_t end, SizeOf(file_.get()));
  if (end != offset_bytes_) return OtherEnd(end);
  while (!bytes.empty()) {
    const ssize_t put = pwrite(file_.get(), bytes.data(), bytes.size(), offset_bytes_);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Fail(platform::ErrnoError(kWhat, errno));
    offset_bytes_ += put;
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return {};
}

Status UploadAppender::Sync() {
  struct stat status{};
  if (fstat(file_.get(), &status) != 0) return Fail(platform::ErrnoError(kWhat, errno));
  if (status.st_nlink == 0) {
    return Fail(
        Error{ErrorCode::kNotFound, "this upload has expired", "begin a new one", {}, "gone"});
  }
  if (fdatasync(file_.get()) != 0) return Fail(platform::ErrnoError(kWhat, errno));
  return {};
}

Result<std::unique_ptr<Uploads>> Uploads::Open(std::string folder, Environment environment,
                                               UploadsConfig config) {
  NRL_CHECK(platform::CreateFolders(folder));
  return std::unique_ptr<Uploads>(new Uploads(std::move(folder), environment, config));
}

std::string Uploads::PathOf(const UploadId& upload) const { return folder_ + "/" + upload.str(); }

Result<Upload> Uploads::Create(access::Tx& tx, int64_t bytes_total,
                               const std::string& metadata) const {
  const UtcMs now = environment_.clock.Now();
  NRL_TRY(const Rows open, tx.Query(kCountOpen, tx.tenant(), now));
  if (open[0].Int(0) >= config_.open_max) {
    return Fail(ErrorCode::kLimited, "too many uploads are unfinished",
                "finish or delete some, or raise uploads.open_max");
  }
  const Upload upload{UploadId::New(environment_),
                      bytes_total,
                      metadata,
                      {},
                      now,
                      UtcMs{now.value + config_.expire_after_ms}};
  NRL_CHECK(tx.Execute(kInsert, upload.id, tx.tenant(), upload.bytes_total, upload.metadata, now,
                       upload.expires_at));
  return upload;
}

Result<Upload> Uploads::Get(access::Tx& tx, const UploadId& upload) const {
  NRL_TRY(const Rows rows, tx.Query(kGet, tx.tenant(), upload));
  if (rows.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("upload {} does not exist", upload.str()),
                "begin a new one");
  }
  Upload found = ReadUpload(rows[0]);
  if (!found.video && found.expires_at <= environment_.clock.Now()) {
    return Fail(
        Error{ErrorCode::kNotFound, "this upload has expired", "begin a new one", {}, "gone"});
  }
  return found;
}

Result<int64_t> Uploads::OffsetOf(const Upload& upload) const {
  struct stat status{};
  if (stat(PathOf(upload.id).c_str(), &status) == 0) return status.st_size;
  if (errno == ENOENT) return 0;
  return Fail(platform::ErrnoError(kWhat, errno));
}

Result<UploadAppender> Uploads::Append(const Upload& upload, int64_t offset_bytes) const {
  const std::string path = PathOf(upload.id);
  platform::FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!file.valid()) return Fail(platform::ErrnoError(kWhat, errno));
  NRL_TRY(const int64_t end, SizeOf(file.get()));
  if (end != offset_bytes) return OtherEnd(end);
  if (end == 0) NRL_CHECK(platform::SyncFolder(folder_));
  return UploadAppender(std::move(file), end, upload.bytes_total);
}

Result<UtcMs> Uploads::Prolong(access::Tx& tx, const UploadId& upload) const {
  const UtcMs expires_at{environment_.clock.Now().value + config_.expire_after_ms};
  NRL_CHECK(tx.Execute(kProlong, tx.tenant(), upload, expires_at));
  return expires_at;
}

Status Uploads::NoteVideo(access::Tx& tx, const UploadId& upload, const VideoId& video) const {
  NRL_CHECK(tx.Execute(kNoteVideo, tx.tenant(), upload, video));
  return {};
}

Status Uploads::Delete(access::Tx& tx, const UploadId& upload) const {
  NRL_CHECK(tx.Execute(kDelete, tx.tenant(), upload));
  return {};
}

void Uploads::RemoveFile(const UploadId& upload) const {
  std::error_code ignored;
  fs::remove(PathOf(upload), ignored);
}

Result<int> Uploads::Sweep(access::Tx& tx) const {
  const UtcMs now = environment_.clock.Now();
  NRL_TRY(const Rows rows, tx.Query(kWithoutUse, tx.tenant(), now));
  int removed = 0;
  for (const Row& row : rows) {
    std::error_code error;
    removed += fs::remove(PathOf(UploadId::FromTrusted(row.Text(0))), error) ? 1 : 0;
  }
  NRL_CHECK(tx.Execute(kForget, tx.tenant(), UtcMs{now.value - config_.expire_after_ms}));
  return removed;
}

Result<std::map<std::string, std::string>> ParseUploadMetadata(std::string_view text) {
  const auto fail = [] {
    return Fail(ErrorCode::kInvalid, "Upload-Metadata is not 'key base64,key base64'",
                "tus 1.0 says how it is written");
  };
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view pair = text.substr(0, end);
    const size_t space = std::min(pair.find(' '), pair.size());
    const std::string_view key = pair.substr(0, space);
    const std::string_view encoded = pair.substr(std::min(space + 1, pair.size()));
    const bool key_ok = !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '-';
    });
    std::string value(encoded.size(), '\0');
    size_t bytes = 0;
    if (!key_ok || sodium_base642bin(reinterpret_cast<unsigned char*>(value.data()), value.size(),
                                     encoded.data(), encoded.size(), nullptr, &bytes, nullptr,
                                     sodium_base64_VARIANT_ORIGINAL) != 0) {
      return fail();
    }
    value.resize(bytes);
    if (!IsUtf8(value) || value.contains('\0')) return fail();
    values[std::string(key)] = std::move(value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return values;
}

std::string FormatUploadMetadata(const std::map<std::string, std::string>& values) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string text;
  for (const auto& [key, value] : values) {
    std::string encoded(sodium_base64_encoded_len(value.size(), kVariant), '\0');
    sodium_bin2base64(encoded.data(), encoded.size(),
                      reinterpret_cast<const unsigned char*>(value.data()), value.size(), kVariant);
    encoded.pop_back();  // the terminating NUL
    if (!text.empty()) text += ',';
    text += key + ' ' + encoded;
  }
  return text;
}

}  // namespace narralytica::source
