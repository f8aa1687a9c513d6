#include "media/acquire.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "jobs/changes.hpp"
#include "jobs/outcome.hpp"
#include "media/clean_text.hpp"
#include "platform/file.hpp"
#include "source/download.hpp"

namespace narralytica::media {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTitleBytesMax = 1'024;
constexpr std::chrono::hours kLeftoversKept{7 * 24};
// Of the share of acquiring, what storing takes.
constexpr double kStoringShare = 0.1;

// Downloads whose job never came back for them.
void SweepLeftovers(const std::string& folder) {
  std::error_code error;
  const auto oldest = fs::file_time_type::clock::now() - kLeftoversKept;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    if (entry.last_write_time(ignored) < oldest) fs::remove_all(entry.path(), ignored);
  }
}

// A recording on this machine, until it is in the store.
struct Fetched {
  std::string path;
  platform::FileDescriptor file;  // what `path` leads to, if it must stay open
  VideoName name;
  int resumes = 0;
};

// Where an attempt keeps what it has; the next one goes on with it.
std::string DownloadPath(const AcquireParts& parts, const VideoId& video) {
  return parts.folder + "/" + video.str();
}
std::string SiteFolder(const AcquireParts& parts, const VideoId& video) {
  return DownloadPath(parts, video) + ".site";
}
void Forget(const AcquireParts& parts, const VideoId& video) {
  source::ForgetDownload(DownloadPath(parts, video));
  std::error_code ignored;
  fs::remove_all(SiteFolder(parts, video), ignored);
}

Result<Fetched> FromUrl(const AcquireParts& parts, const source::DownloadRequest& request,
                        const Deadline& deadline) {
  NRL_TRY(source::Downloaded downloaded, source::Download(parts.dialer, request, deadline));
  const std::string title = fs::path(downloaded.file_name).stem().string();
  return Fetched{request.path, {}, {title, {}}, downloaded.resumes};
}

Result<Fetched> FromSite(const AcquireParts& parts, const source::SiteRequest& request,
                         const Deadline& deadline) {
  NRL_CHECK(platform::CreateFolders(request.folder));
  NRL_TRY(source::SiteRecording got, parts.sites.Fetch(parts.dialer, request, deadline));
  const std::string path = fmt::format("/proc/self/fd/{}", got.file.get());
  return Fetched{path, std::move(got.file), {got.title, got.published_at}};
}

Result<Fetched> Fetch(const AcquireParts& parts, jobs::StageContext& context,
                      const source::Source& source) {
  context.SetPhase("downloading");
  context.SetProgress(0, "downloading");
  const auto progress = [&](int64_t done, std::optional<int64_t> total) {
    if (!total || *total <= 0) return;
    const double fraction = static_cast<double>(done) / static_cast<double>(*total);
    context.SetProgress(fraction * kAcquireShare * (1 - kStoringShare), "downloading");
  };
  const VideoId& video = context.job().video;
  const auto limit = std::chrono::milliseconds(parts.dialer.config().duration_ms_max);
  const Deadline deadline = Deadline::In(limit, context.stop());
  auto fetched =
      source.kind == "youtube"
          ? FromSite(parts, {source.locator, SiteFolder(parts, video), parts.bytes_max, progress},
                     deadline)
          : FromUrl(parts, {source.locator, DownloadPath(parts, video), parts.bytes_max, progress},
                    deadline);
  if (!fetched && jobs::OutcomeOf(fetched.error()) == jobs::Outcome::kDeadLetter) {
    Forget(parts, video);
  }
  return fetched;
}

// True when the content was new and is the video's own from now on.
Result<bool> Claim(access::Tx& tx, jobs::StageContext& context, const Artifact& original) {
  const VideoId& video = context.job().video;
  NRL_TRY(const auto known, source::FindByContent(tx, original.object.sha256));
  if (known && known->video != video) return false;
  NRL_CHECK(source::SetContent(tx, video, original.object.sha256, original.object.bytes));
  NRL_CHECK(PutArtifact(tx, video, original, context.environment()));
  return true;
}

Status StandForOther(access::Tx& tx, jobs::StageContext& context, const std::string& sha256) {
  const VideoId& video = context.job().video;
  NRL_TRY(const auto known, source::FindByContent(tx, sha256));
  if (!known) {
    return Fail(ErrorCode::kConflict, "the same recording was deleted meanwhile", "try again");
  }
  const UtcMs now = context.environment().clock.Now();
  NRL_CHECK(source::MoveSource(tx, video, known->video));
  NRL_CHECK(SetDuplicateOf(tx, video, known->video, now));
  NRL_CHECK(jobs::AppendChange(tx, {"video", known->video.str()}, "put", now));
  return jobs::AppendChange(tx, {"video", video.str()}, "delete", now);
}

// What its server calls it, unless the one who asked gave a title.
Status NameVideo(access::Tx& tx, jobs::StageContext& context, VideoName name) {
  const auto payload = nlohmann::json::parse(context.job().payload, nullptr, false);
  const bool open = payload.is_object() && payload.value("title_open", false);
  name.title = open ? CleanText(name.title, kTitleBytesMax) : std::string();
  return SetVideoName(tx, context.job().video, name, context.environment().clock.Now());
}

}  // namespace

Result<std::optional<Artifact>> Acquire(const AcquireParts& parts, jobs::StageContext& context) {
  const VideoId& video = context.job().video;
  NRL_TRY(const source::Source source,
          context.Read([&](access::Tx& tx) { return source::SourceOfVideo(tx, video); }));
  NRL_CHECK(platform::CreateFolders(parts.folder));
  SweepLeftovers(parts.folder);
  NRL_TRY(const Fetched fetched, Fetch(parts, context, source));
  context.SetPhase("storing");
  context.SetProgress(kAcquireShare * (1 - kStoringShare), "storing");
  NRL_TRY(platform::ObjectRef object, context.PutObjectFile(parts.objects, fetched.path));
  const Artifact original{"original", std::move(object), "application/octet-stream",
                          nlohmann::json{{"resumes", fetched.resumes}}};
  bool is_new = false;
  const auto claim = [&](access::Tx& tx) -> Status {
    NRL_CHECK(tx.Lock("content:" + original.object.sha256));
    NRL_TRY(is_new, Claim(tx, context, original));
    return is_new ? NameVideo(tx, context, fetched.name) : Status{};
  };
  NRL_CHECK(context.Write(claim));
  Forget(parts, video);
  if (is_new) return original;
  context.log().Info("the recording is there already");
  NRL_CHECK(context.FinishAlone(
      [&](access::Tx& tx) { return StandForOther(tx, context, original.object.sha256); }));
  return std::nullopt;
}

}  // namespace narralytica::media
