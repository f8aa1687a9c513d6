#include "media/intake.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "jobs/changes.hpp"
#include "jobs/pipeline.hpp"
#include "media/clean_text.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameBytesMax = 1'024;

// A file's name may be any bytes; the database holds text.
std::string NameText(const fs::path& name) { return CleanText(name.string(), kNameBytesMax); }

}  // namespace

Result<int64_t> CheckFile(const IntakeRequest& request, int64_t bytes_max) {
  const std::string& name = request.locator.empty() ? request.path : request.locator;
  std::error_code error;
  const fs::file_status status = fs::status(request.path, error);
  if (error) return Fail(platform::ErrnoError(name, error.value()));
  if (!fs::is_regular_file(status)) {
    return Fail(ErrorCode::kInvalid, fmt::format("{} is not a file", name),
                "name a recording; for a folder, name the files in it");
  }
  const auto bytes = static_cast<int64_t>(fs::file_size(request.path, error));
  if (error) return Fail(platform::ErrnoError(name, error.value()));
  if (bytes == 0) {
    return Fail(Error{ErrorCode::kInvalid,
                      fmt::format("{} is empty", name),
                      "check that the recording was copied whole",
                      {},
                      "media_empty"});
  }
  if (bytes > bytes_max) {
    return Fail(Error{ErrorCode::kLimited,
                      fmt::format("{} has {} bytes; the most is {}", name, bytes, bytes_max),
                      "raise media.file_bytes_max, or cut the recording",
                      {},
                      "media_too_large"});
  }
  return bytes;
}

void IntakeConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("media.file_bytes_max", &file_bytes_max, {1, int64_t{1} << 50},
               "largest recording taken in, bytes");
}

Intake::Intake(IntakeServices services, IntakeConfig config)
    : services_(services), config_(config) {}

Result<Accepted> Intake::AcceptFile(const access::Scope& scope, const IntakeRequest& request,
                                    const IntakeHooks& hooks) const {
  NRL_TRY(const int64_t total, CheckFile(request, config_.file_bytes_max));
  NRL_TRY(const platform::ObjectRef object,
          services_.objects.PutFile(scope.tenant, request.path, [&](int64_t done) {
            if (hooks.progress) hooks.progress(done, total);
          }));
  return access::Write(services_.database, scope, [&](access::Tx& tx) -> Result<Accepted> {
    if (hooks.earlier) {
      NRL_TRY(const auto earlier, hooks.earlier(tx));
      if (earlier) return *earlier;
    }
    NRL_TRY(auto accepted, FindDuplicate(tx, request, object.sha256));
    if (!accepted) {
      NRL_TRY(accepted, Create(tx, request, object));
    }
    if (hooks.accepted) NRL_CHECK(hooks.accepted(tx, *accepted));
    return *accepted;
  });
}

Result<std::optional<Accepted>> Intake::FindDuplicate(access::Tx& tx, const IntakeRequest& request,
                                                      const std::string& sha256) const {
  Known known = Known::kByContent;
  NRL_TRY(auto found, source::FindByContent(tx, sha256));
  if (!request.external_id.empty() && (!found || found->external_id == request.external_id)) {
    known = Known::kByExternalId;
    NRL_TRY(found, source::FindByExternalId(tx, request.external_id));
  }
  if (!found) return std::nullopt;
  NRL_TRY(const auto jobs, services_.queue.OfVideo(tx, found->video));
  NRL_ASSERT(!jobs.empty());
  return Accepted{found->video, jobs.front().id, true, known};
}

Result<Accepted> Intake::Create(access::Tx& tx, const IntakeRequest& request,
                                const platform::ObjectRef& object) const {
  const fs::path path(request.locator.empty() ? request.path : request.locator);
  const UtcMs now = services_.environment.clock.Now();
  Video video;
  video.id = VideoId::New(services_.environment);
  video.status = "queued";
  video.title = request.title.empty() ? NameText(path.stem()) : request.title;
  video.published_at = request.published_at;
  video.metadata = request.metadata;
  video.created_at = now;
  NRL_CHECK(InsertVideo(tx, video));
  NRL_CHECK(source::InsertSource(
      tx,
      {SourceId::New(services_.environment), video.id, "upload", NameText(path.filename()),
       request.external_id, object.sha256, object.bytes},
      now));
  NRL_CHECK(PutArtifact(tx, video.id, {"original", object, "application/octet-stream", {}},
                        services_.environment));
  NRL_CHECK(jobs::AppendChange(tx, {"video", video.id.str()}, "put", now));
  const nlohmann::json payload{{"language", request.language}, {"model", request.model}};
  const jobs::StageSpec& first = jobs::Pipeline().front();
  NRL_TRY(const JobId job, services_.queue.Enqueue(tx, {.stage = first.name,
                                                        .video = video.id,
                                                        .payload = payload.dump(),
                                                        .priority = 0,
                                                        .attempts_max = first.attempts_max,
                                                        .unique_key = "ingest:" + video.id.str()}));
  return Accepted{video.id, job, false, Known::kNo};
}

}  // namespace narralytica::media
