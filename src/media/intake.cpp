#include "media/intake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "jobs/changes.hpp"
#include "jobs/pipeline.hpp"
#include "media/clean_text.hpp"
#include "platform/file.hpp"
#include "platform/http/url.hpp"

namespace narralytica::media {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameBytesMax = 1'024;
// With the queue's backoff, some minutes: servers come back.
constexpr int kFetchAttemptsMax = 15;

// The last part of the URL's path, else its host.
std::string UrlFileName(const std::string& text) {
  const auto url = platform::ParseUrl(text);
  if (!url) return text;
  const std::string path = platform::DecodeUrlPart(url->path);
  const std::string name = path.substr(std::min(path.find_last_of('/') + 1, path.size()));
  return name.empty() ? url->host : name;
}

// What the ingest job will burden: the host that it fetches from.
std::string ServiceOf(const IntakeRequest& request) {
  if (request.kind == "upload") return {};
  const auto url = platform::ParseUrl(request.locator);
  return url ? url->host : std::string();
}

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
  admission.Bind(binder);
}

Intake::Intake(IntakeServices services, IntakeConfig config)
    : services_(services), config_(config) {}

Status Intake::Admit(const access::Scope& scope) const {
  return CheckAdmission(services_.queue, services_.objects, config_.admission, scope.tenant);
}

Result<Accepted> Intake::AcceptFile(const access::Scope& scope, const IntakeRequest& request,
                                    const IntakeHooks& hooks) const {
  NRL_TRY(const int64_t total, CheckFile(request, config_.file_bytes_max));
  NRL_CHECK(Admit(scope));
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

Result<Accepted> Intake::AcceptUrl(const access::Scope& scope, const IntakeRequest& request,
                                   const IntakeHooks& hooks) const {
  const Status admitted = Admit(scope);
  return access::Write(services_.database, scope, [&](access::Tx& tx) -> Result<Accepted> {
    if (hooks.earlier) {
      NRL_TRY(const auto earlier, hooks.earlier(tx));
      if (earlier) return *earlier;
    }
    NRL_TRY(auto accepted, FindDuplicate(tx, request, {}));
    if (!accepted) {
      NRL_CHECK(admitted);
      NRL_TRY(accepted, Create(tx, request, std::nullopt));
    }
    if (hooks.accepted) NRL_CHECK(hooks.accepted(tx, *accepted));
    return *accepted;
  });
}

Result<std::optional<Accepted>> Intake::FindDuplicate(access::Tx& tx, const IntakeRequest& request,
                                                      const std::string& sha256) const {
  Known known = Known::kByContent;
  std::optional<source::Source> found;
  if (!sha256.empty()) {
    NRL_TRY(found, source::FindByContent(tx, sha256));
  }
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
                                const std::optional<platform::ObjectRef>& object) const {
  const bool from_url = !object.has_value();
  const std::string name = from_url                  ? UrlFileName(request.locator)
                           : request.locator.empty() ? request.path
                                                     : request.locator;
  const fs::path path(name);
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
      {SourceId::New(services_.environment), video.id, request.kind,
       from_url ? request.locator : NameText(path.filename()), request.external_id,
       from_url ? std::string() : object->sha256, from_url ? 0 : object->bytes},
      now));
  if (!from_url) {
    NRL_CHECK(PutArtifact(tx, video.id, {"original", *object, "application/octet-stream", {}},
                          services_.environment));
  }
  NRL_CHECK(jobs::AppendChange(tx, {"video", video.id.str()}, "put", now));
  nlohmann::json payload{{"language", request.language}, {"model", request.model}};
  if (request.speakers_min) payload["speakers_min"] = *request.speakers_min;
  if (request.speakers_max) payload["speakers_max"] = *request.speakers_max;
  // What the server calls the file is known later, and is better than what the URL says.
  if (from_url && request.title.empty()) payload["title_open"] = true;
  const jobs::StageSpec& first = jobs::Pipeline().front();
  const int attempts_max = from_url ? kFetchAttemptsMax : first.attempts_max;
  NRL_TRY(const JobId job, services_.queue.Enqueue(tx, {.stage = first.name,
                                                        .video = video.id,
                                                        .payload = payload.dump(),
                                                        .priority = 0,
                                                        .attempts_max = attempts_max,
                                                        .unique_key = "ingest:" + video.id.str(),
                                                        .service = ServiceOf(request)}));
  return Accepted{video.id, job, false, Known::kNo};
}

}  // namespace narralytica::media
