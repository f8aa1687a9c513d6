#include "app/remote_upload.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>

#include "media/clean_text.hpp"
#include "platform/file.hpp"
#include "source/uploads.hpp"

namespace narralytica::app {
namespace {

using platform::HttpReply;
using platform::HttpRequest;

// A piece is on the server's disk when it is acknowledged.
constexpr int64_t kPieceBytes = int64_t{64} << 20;
constexpr size_t kFileNameBytesMax = 1'024;
constexpr int64_t kNoSizeLimit = std::numeric_limits<int64_t>::max();  // the server has its own

Result<int64_t> OffsetOf(const HttpReply& reply, const std::string& server) {
  const auto text = reply.head.Find("upload-offset");
  int64_t offset = -1;
  if (text) std::from_chars(text->data(), text->data() + text->size(), offset);
  if (offset >= 0) return offset;
  return Fail(ErrorCode::kUnavailable, server + " does not answer like a Narralytica server",
              "check the address of --server");
}

class Sender {
 public:
  Sender(RemoteClient& client, platform::FileDescriptor file, int64_t bytes)
      : client_(client), patience_(client.NewPatience()), file_(std::move(file)), bytes_(bytes) {}

  Status Begin(const std::string& filename) {
    const std::string metadata = source::FormatUploadMetadata({{"filename", filename}});
    HttpRequest request = Request("POST", "/api/v1/uploads");
    request.headers.emplace_back("Upload-Length", std::to_string(bytes_));
    request.headers.emplace_back("Upload-Metadata", metadata);
    // Sent twice, it would begin two, of which one expires.
    NRL_TRY(const HttpReply reply, client_.Send(std::move(request), true));
    const auto location = reply.head.Find("location");
    const size_t slash = location ? location->find_last_of('/') : std::string_view::npos;
    if (slash == std::string_view::npos) {
      return Fail(ErrorCode::kUnavailable,
                  client_.server() + " does not answer like a Narralytica server",
                  "check the address of --server");
    }
    ref_ = location->substr(slash + 1);
    return {};
  }

  Status SendAll(const IntakeProgress& progress) {
    while (offset_ < bytes_) {
      const auto reached = SendPiece(progress);
      if (reached) {
        patience_.Renew();
        offset_ = *reached;
        continue;
      }
      // 409: another connection of ours, or the server's view of it, is still open.
      if (!IsPassing(reached.error()) && reached.error().code != ErrorCode::kConflict) {
        return Fail(reached);
      }
      NRL_CHECK(CheckUnchanged());
      progress("waiting for the server", offset_, bytes_);
      NRL_CHECK(patience_.Wait(reached.error(), client_.asked_pause()));
      NRL_CHECK(AskOffset());
    }
    return CheckUnchanged();
  }

  const std::string& ref() const { return ref_; }

 private:
  HttpRequest Request(const std::string& method, const std::string& path) const {
    HttpRequest request{.method = method, .url = path};
    request.headers.emplace_back("Tus-Resumable", "1.0.0");
    return request;
  }

  // How many bytes have arrived after the next piece.
  Result<int64_t> SendPiece(const IntakeProgress& progress) {
    HttpRequest request = Request("PATCH", "/api/v1/uploads/" + ref_);
    request.headers.emplace_back("Upload-Offset", std::to_string(offset_));
    request.headers.emplace_back("Content-Type", "application/offset+octet-stream");
    request.file_body = {file_.get(), offset_, std::min(kPieceBytes, bytes_ - offset_)};
    request.on_sent = [&](int64_t sent) { progress("uploading", offset_ + sent, bytes_); };
    NRL_TRY(const HttpReply reply, client_.Send(std::move(request), false));
    return OffsetOf(reply, client_.server());
  }

  Status AskOffset() {
    NRL_TRY(const HttpReply reply, client_.Send(Request("HEAD", "/api/v1/uploads/" + ref_), true));
    NRL_TRY(const int64_t offset, OffsetOf(reply, client_.server()));
    if (offset > offset_) patience_.Renew();
    offset_ = std::min(offset, bytes_);
    return {};
  }

  Status CheckUnchanged() const {
    struct stat status{};
    if (fstat(file_.get(), &status) == 0 && status.st_size == bytes_) return {};
    return Fail(ErrorCode::kConflict, "the file changed while it was sent",
                "ingest it again once it is whole");
  }

  RemoteClient& client_;
  Patience patience_;
  const platform::FileDescriptor file_;
  const int64_t bytes_;
  std::string ref_;
  int64_t offset_ = 0;
};

}  // namespace

Result<std::string> UploadFile(RemoteClient& client, const std::string& path,
                               const IntakeProgress& progress) {
  media::IntakeRequest request;
  request.path = path;
  NRL_TRY(const int64_t bytes, media::CheckFile(request, kNoSizeLimit));
  platform::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Fail(platform::ErrnoError(path, errno));
  const std::string name = std::filesystem::path(path).filename().string();
  Sender sender(client, std::move(file), bytes);
  NRL_CHECK(sender.Begin(media::CleanText(name, kFileNameBytesMax)));
  NRL_CHECK(sender.SendAll(progress));
  return sender.ref();
}

}  // namespace narralytica::app
