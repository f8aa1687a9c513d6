// /api/v1/videos: recordings.
#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/video_view.hpp"
#include "api/wire.hpp"
#include "jobs/pipeline.hpp"
#include "media/video_list.hpp"
#include "speakers/voiceprints.hpp"

namespace narralytica::api {
namespace {

constexpr size_t kTitlePartCharactersMax = 200;

media::VideoOrder OrderOf(const std::string& sort) {
  if (sort == "created_at") return media::VideoOrder::kOldestFirst;
  if (sort == "title") return media::VideoOrder::kByTitle;
  if (sort == "-title") return media::VideoOrder::kByTitleDescending;
  return media::VideoOrder::kNewestFirst;
}

Result<access::Page<VideoView>> LoadPage(access::Tx& tx, const Services& services,
                                         const media::VideoFilter& filter,
                                         const access::PageRequest& page) {
  NRL_TRY(auto videos, media::ListVideos(tx, filter, page));
  access::Page<VideoView> views{{}, videos.total, videos.after};
  for (media::Video& video : videos.items) {
    NRL_TRY(auto view, LoadVideoView(tx, services.queue, std::move(video)));
    views.items.push_back(std::move(view));
  }
  return views;
}

Result<Response> List(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  media::VideoFilter filter;
  filter.statuses =
      fields.Choices("status", {"queued", "processing", "ready", "partial", "failed"});
  filter.title_part = fields.Text("q", {.characters_max = kTitlePartCharactersMax});
  filter.order = OrderOf(
      fields.Choice("sort", {"created_at", "-created_at", "title", "-title"}, "-created_at"));
  NRL_CHECK(fields.End());
  NRL_TRY(const auto views, ReadAs(services, caller, [&](access::Tx& tx) {
            return LoadPage(tx, services, filter, page);
          }));
  const UtcMs now = services.environment.clock.Now();
  return JsonResponse(
      200, PageJson(views, page, [&](const VideoView& view) { return VideoJson(view, now); }));
}

Result<Response> Get(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const VideoId id, PathId<VideoId>(request, "video_id"));
  NRL_TRY(const VideoView view, ReadAs(services, caller, [&](access::Tx& tx) -> Result<VideoView> {
            NRL_TRY(media::Video video, media::GetVideo(tx, id));
            return LoadVideoView(tx, services.queue, std::move(video));
          }));
  return JsonResponse(200, VideoJson(view, services.environment.clock.Now()));
}

// Its jobs stop, and one more takes it out of the index.
Status DeleteIn(access::Tx& tx, const Services& services, const VideoId& asked) {
  NRL_TRY(const media::Video video, media::GetVideo(tx, asked));
  const VideoId id = video.id;  // another one when `asked` was a duplicate
  NRL_CHECK(media::DeleteVideo(tx, id, services.environment.clock.Now()));
  NRL_CHECK(speakers::DeleteVoicesOfVideo(tx, id));
  NRL_TRY(const auto jobs, services.queue.OfVideo(tx, id));
  for (const jobs::Job& job : jobs) {
    if (!jobs::HasEnded(job.status)) NRL_CHECK(services.queue.RequestCancel(tx, job.id));
  }
  const jobs::StageSpec& index = jobs::Pipeline().back();
  NRL_CHECK(services.queue.Enqueue(tx, {.stage = index.name,
                                        .video = id,
                                        .payload = "{}",
                                        .priority = 0,
                                        .attempts_max = index.attempts_max,
                                        .unique_key = "delete:" + id.str()}));
  return {};
}

Result<Response> Delete(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const VideoId id, PathId<VideoId>(request, "video_id"));
  NRL_CHECK(WriteAs(services, caller, [&](access::Tx& tx) { return DeleteIn(tx, services, id); }));
  return NoContent();
}

}  // namespace

void AddVideosRoutes(Router& router, const Services& services) {
  const auto bind = [&services](auto* function) -> RouteHandler {
    return [services, function](const Request& request, const Caller& caller) {
      return function(services, request, caller);
    };
  };
  const std::string path = "/api/v1/videos";
  router.Add(
      {.method = "GET", .pattern = path, .permission = {"read", "videos"}, .handler = bind(List)});
  router.Add({.method = "GET",
              .pattern = path + "/{video_id}",
              .permission = {"read", "videos"},
              .handler = bind(Get)});
  router.Add({.method = "DELETE",
              .pattern = path + "/{video_id}",
              .cost = Cost::kWrite,
              .permission = {"delete", "videos"},
              .handler = bind(Delete)});
}

}  // namespace narralytica::api
