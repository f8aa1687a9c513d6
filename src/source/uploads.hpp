// Resumable uploads (tus 1.0, https://tus.io/protocols/resumable-upload): a row that says what is
// expected, and a file that has what has arrived.
//
// The file's length is the truth: nothing else records how far an upload is, so that the two
// cannot disagree after a crash. An append writes where the file ends, under a lock of the file,
// and is refused when it expected another end; two connections that send the same upload, or two
// processes, can therefore not spoil it. What is acknowledged is on the disk (fdatasync).
//
// An upload that gets no bytes until it expires loses them; its row is kept a while longer to say
// so. Thread-safe; several processes may share the folder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "access/tx.hpp"
#include "platform/config.hpp"
#include "platform/file.hpp"

namespace narralytica {
NRL_ID(UploadId, "upload");
}  // namespace narralytica

namespace narralytica::source {

struct UploadsConfig {
  int64_t expire_after_ms = 24 * 3'600'000;  // without a byte
  int open_max = 1'000;                      // unfinished uploads of a tenant
  void Bind(platform::ConfigBinder& binder);
};

struct Upload {
  UploadId id;
  int64_t bytes_total = 0;
  std::string metadata;          // as it was created with
  std::optional<VideoId> video;  // once it was taken in
  UtcMs created_at, expires_at;
};

// Adds bytes at the end of one upload. Not thread-safe.
class UploadAppender {
 public:
  int64_t offset_bytes() const { return offset_bytes_; }
  // kConflict when something else was written meanwhile, kLimited (reason "payload_too_large")
  // beyond the upload's length, kUnavailable when the disk is full.
  Status Write(std::span<const uint8_t> bytes);
  // What was written is on the disk; kNotFound (reason "gone") when the upload expired meanwhile.
  Status Sync();

 private:
  friend class Uploads;
  UploadAppender(platform::FileDescriptor file, int64_t offset_bytes, int64_t bytes_total)
      : file_(std::move(file)), offset_bytes_(offset_bytes), bytes_total_(bytes_total) {}
  platform::FileDescriptor file_;
  int64_t offset_bytes_;
  int64_t bytes_total_;
};

class Uploads {
 public:
  // `folder` is created if needed.
  static Result<std::unique_ptr<Uploads>> Open(std::string folder, Environment environment,
                                               UploadsConfig config);

  // kLimited when too many are unfinished.
  Result<Upload> Create(access::Tx& tx, int64_t bytes_total, const std::string& metadata) const;
  // kNotFound for what never was, kNotFound with reason "gone" for what has expired.
  Result<Upload> Get(access::Tx& tx, const UploadId& upload) const;
  // How many bytes have arrived; 0 when none did.
  Result<int64_t> OffsetOf(const Upload& upload) const;
  // kConflict when the upload does not end at `offset_bytes`.
  Result<UploadAppender> Append(const Upload& upload, int64_t offset_bytes) const;
  // Moves the expiry on; the time it now expires.
  Result<UtcMs> Prolong(access::Tx& tx, const UploadId& upload) const;
  // The transaction that makes a recording of it.
  Status NoteVideo(access::Tx& tx, const UploadId& upload, const VideoId& video) const;
  // Call RemoveFile before it commits: a file without a row would stay.
  Status Delete(access::Tx& tx, const UploadId& upload) const;
  // After the commit of NoteVideo, too; what a crash leaves behind Sweep takes.
  void RemoveFile(const UploadId& upload) const;
  std::string PathOf(const UploadId& upload) const;

  // Removes the tenant's bytes that have expired or were taken in, and rows that are no longer
  // needed. Returns how many files went.
  Result<int> Sweep(access::Tx& tx) const;

 private:
  Uploads(std::string folder, Environment environment, UploadsConfig config)
      : folder_(std::move(folder)), environment_(environment), config_(config) {}
  const std::string folder_;
  const Environment environment_;
  const UploadsConfig config_;
};

// "filename Y291bmNpbC5tcDQ=,filetype dmlkZW8vbXA0" → decoded values by key. kInvalid when it is
// not that, or a value is not UTF-8.
Result<std::map<std::string, std::string>> ParseUploadMetadata(std::string_view text);
// The way back, for who sends an upload.
std::string FormatUploadMetadata(const std::map<std::string, std::string>& values);

}  // namespace narralytica::source
