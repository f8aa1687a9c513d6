// /api/v1/videos/{video_id}/speakers and /api/v1/speakers: who speaks when.
#include "api/content.hpp"
#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/speakers_view.hpp"
#include "api/wire.hpp"

namespace narralytica::api {
namespace {

Result<Response> OfVideo(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const VideoId id, PathId<VideoId>(request, "video_id"));
  Fields fields = Fields::OfQuery(request);
  const std::string format = fields.Choice("format", {"json", "rttm"}, "json");
  NRL_CHECK(fields.End());
  NRL_TRY(const LoadedSpeakers loaded,
          ReadAs(services, caller, [&](access::Tx& tx) { return LoadSpeakers(tx, id); }));
  if (format == "json") return JsonResponse(200, SpeakersJson(loaded));
  return TextResponse(request, SpeakersRttm(loaded), "text/plain; charset=utf-8");
}

Result<Response> List(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  const auto video = fields.MaybeId<VideoId>("video_id");
  NRL_CHECK(fields.End());
  NRL_TRY(const auto found, ReadAs(services, caller, [&](access::Tx& tx) {
            return speakers::ListSpeakers(tx, video, page);
          }));
  return JsonResponse(200, PageJson(found, page, SpeakerJson));
}

Result<Response> Get(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const SpeakerId id, PathId<SpeakerId>(request, "speaker_id"));
  NRL_TRY(const auto speaker,
          ReadAs(services, caller, [&](access::Tx& tx) { return speakers::GetSpeaker(tx, id); }));
  return JsonResponse(200, SpeakerJson(speaker));
}

}  // namespace

void AddSpeakersRoutes(Router& router, const Services& services) {
  const auto add = [&](const std::string& path, auto* function) {
    router.Add({.method = "GET",
                .pattern = path,
                .permission = {"read", "transcripts"},
                .handler = [services, function](const Request& request, const Caller& caller) {
                  return function(services, request, caller);
                }});
  };
  add("/api/v1/videos/{video_id}/speakers", OfVideo);
  add("/api/v1/speakers", List);
  add("/api/v1/speakers/{speaker_id}", Get);
}

}  // namespace narralytica::api
