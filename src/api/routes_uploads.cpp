// /api/v1/uploads: resumable uploads, tus 1.0 with creation, expiration and termination.
#include <fmt/format.h>

#include <charconv>

#include "api/services.hpp"

namespace narralytica::api {
namespace {

using source::Upload;

constexpr const char* kTus = "1.0.0";
constexpr size_t kMetadataBytesMax = 4'096;

Response TusResponse(int status) {
  return Response{.status = status, .headers = {}, .body = {}}.With("Tus-Resumable", kTus);
}

std::string ExpiresText(UtcMs expires_at) { return HttpDate(expires_at.value / 1'000); }

Status CheckVersion(const Request& request) {
  const std::string& version = request.Header("tus-resumable");
  if (version == kTus) return {};
  return Fail(Error{ErrorCode::kInvalid,
                    version.empty() ? "Tus-Resumable is missing"
                                    : fmt::format("Tus-Resumable is {}", version.substr(0, 40)),
                    fmt::format("this server speaks {}", kTus),
                    {},
                    "tus_version:Tus-Resumable"});
}

Result<int64_t> NumberHeader(const Request& request, const std::string& name) {
  const std::string& text = request.Header(name);
  if (text.empty()) return Fail(MissingField(name));
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    return Fail(InvalidField(name, name + " is not a number of bytes"));
  }
  return number;
}

Result<Response> Create(const Services& services, const Request& request, const Caller& caller) {
  NRL_CHECK(CheckVersion(request));
  NRL_TRY(const int64_t bytes, NumberHeader(request, "upload-length"));
  if (bytes == 0) return Fail(InvalidField("upload-length", "an empty file is not a recording"));
  if (bytes > services.upload_bytes_max) {
    return Fail(Error{ErrorCode::kLimited,
                      fmt::format("an upload may have {} bytes", services.upload_bytes_max),
                      "cut the recording, or raise media.file_bytes_max",
                      {},
                      "payload_too_large:upload-length"});
  }
  const std::string& metadata = request.Header("upload-metadata");
  if (metadata.size() > kMetadataBytesMax) {
    return Fail(InvalidField("upload-metadata", "Upload-Metadata is too long"));
  }
  if (const auto parsed = source::ParseUploadMetadata(metadata); !parsed) {
    return Fail(InvalidField("upload-metadata", parsed.error().message, parsed.error().hint));
  }
  NRL_CHECK(services.intake.Admit(caller.scope));
  NRL_TRY(const Upload upload, WriteAs(services, caller, [&](access::Tx& tx) {
            return services.uploads.Create(tx, bytes, metadata);
          }));
  return TusResponse(201)
      .With("Location", "/api/v1/uploads/" + upload.id.str())
      .With("Upload-Expires", ExpiresText(upload.expires_at));
}

// The upload of the path while it can still get bytes.
Result<Upload> OpenUpload(const Services& services, const Request& request, const Caller& caller) {
  NRL_CHECK(CheckVersion(request));
  NRL_TRY(const UploadId id, PathId<UploadId>(request, "upload_id"));
  NRL_TRY(Upload upload,
          ReadAs(services, caller, [&](access::Tx& tx) { return services.uploads.Get(tx, id); }));
  if (!upload.video) return upload;
  return Fail(ErrorCode::kNotFound, "this upload was taken in already",
              "its recording is video " + upload.video->str());
}

Result<Response> Head(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const Upload upload, OpenUpload(services, request, caller));
  NRL_TRY(const int64_t offset, services.uploads.OffsetOf(upload));
  Response response = TusResponse(200)
                          .With("Upload-Offset", std::to_string(offset))
                          .With("Upload-Length", std::to_string(upload.bytes_total))
                          .With("Upload-Expires", ExpiresText(upload.expires_at))
                          .With("Cache-Control", "no-store");
  if (!upload.metadata.empty()) response.With("Upload-Metadata", upload.metadata);
  return response;
}

Result<Response> Delete(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const Upload upload, OpenUpload(services, request, caller));
  services.uploads.RemoveFile(upload.id);
  NRL_CHECK(WriteAs(services, caller,
                    [&](access::Tx& tx) { return services.uploads.Delete(tx, upload.id); }));
  return TusResponse(204);
}

// Writes the body to the upload's file; what has arrived stays, whatever comes then.
class UploadSink final : public BodySink {
 public:
  UploadSink(const Services& services, const Request& request, const Caller& caller,
             std::pair<UploadId, source::UploadAppender> target)
      : services_(services),
        scope_(caller.scope),
        correlation_id_(request.correlation_id),
        id_(std::move(target.first)),
        appender_(std::move(target.second)) {}

  Status Write(std::span<const uint8_t> bytes) override { return appender_.Write(bytes); }

  Response Finish(const Status& status) override {
    auto response = Settle(status);
    if (response) return std::move(*response);
    return ErrorResponse(response.error(), correlation_id_);
  }

 private:
  Result<Response> Settle(const Status& status) {
    NRL_CHECK(appender_.Sync());
    NRL_TRY(const UtcMs expires_at, access::Write(services_.database, scope_, [&](access::Tx& tx) {
              return services_.uploads.Prolong(tx, id_);
            }));
    NRL_CHECK(status);
    return TusResponse(204)
        .With("Upload-Offset", std::to_string(appender_.offset_bytes()))
        .With("Upload-Expires", ExpiresText(expires_at));
  }

  const Services services_;
  const access::Scope scope_;
  const std::string correlation_id_;
  const UploadId id_;
  source::UploadAppender appender_;
};

Result<std::unique_ptr<BodySink>> Receive(const Services& services, const Request& request,
                                          const Caller& caller) {
  NRL_TRY(const Upload upload, OpenUpload(services, request, caller));
  if (request.Header("content-type") != "application/offset+octet-stream") {
    return Fail(Error{ErrorCode::kInvalid,
                      "Content-Type is not application/offset+octet-stream",
                      "send the bytes as they are, with that type",
                      {},
                      "unsupported_media_type:Content-Type"});
  }
  NRL_TRY(const int64_t offset, NumberHeader(request, "upload-offset"));
  if (!request.Header("content-length").empty()) {
    NRL_TRY(const int64_t length, NumberHeader(request, "content-length"));
    if (length > upload.bytes_total - std::min(offset, upload.bytes_total)) {
      return Fail(Error{ErrorCode::kLimited,
                        fmt::format("the upload has {} bytes and no more", upload.bytes_total),
                        "send what Upload-Length says",
                        {},
                        "payload_too_large:content-length"});
    }
  }
  NRL_TRY(source::UploadAppender appender, services.uploads.Append(upload, offset));
  return std::make_unique<UploadSink>(services, request, caller,
                                      std::pair{upload.id, std::move(appender)});
}

Response Capabilities(const Services& services) {
  return TusResponse(204)
      .With("Tus-Version", kTus)
      .With("Tus-Extension", "creation,expiration,termination")
      .With("Tus-Max-Size", std::to_string(services.upload_bytes_max));
}

}  // namespace

void AddUploadsRoutes(Router& router, const Services& services) {
  const std::string path = "/api/v1/uploads";
  const access::Permission permission{"write", "uploads"};
  const auto add = [&](const std::string& method, const std::string& pattern, auto* function) {
    router.Add({.method = method,
                .pattern = pattern,
                .cost = method == "HEAD" ? Cost::kRead : Cost::kWrite,
                .permission = permission,
                .handler = [services, function](const Request& request, const Caller& caller) {
                  return function(services, request, caller);
                }});
  };
  router.Add({.method = "OPTIONS",
              .pattern = path,
              .open = true,
              .handler = [services](const Request&, const Caller&) -> Result<Response> {
                return Capabilities(services);
              }});
  add("POST", path, Create);
  add("HEAD", path + "/{upload_id}", Head);
  add("DELETE", path + "/{upload_id}", Delete);
  router.Add({.method = "PATCH",
              .pattern = path + "/{upload_id}",
              .cost = Cost::kWrite,
              .permission = permission,
              .receiver = [services](const Request& request, const Caller& caller) {
                return Receive(services, request, caller);
              }});
}

}  // namespace narralytica::api
