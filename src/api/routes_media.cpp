// The files of a recording: media, waveform, poster, captions.
#include "api/content.hpp"
#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/transcript_view.hpp"

namespace narralytica::api {
namespace {

struct Found {
  media::Artifact artifact;
  std::string locator;
};

Result<Found> FindArtifact(access::Tx& tx, const VideoId& video, const std::string& kind) {
  NRL_TRY(const media::Video found, media::GetVideo(tx, video));
  NRL_TRY(auto artifact, media::ArtifactOf(tx, found.id, kind));
  NRL_TRY(auto source, source::SourceOfVideo(tx, found.id));
  return Found{std::move(artifact), std::move(source.locator)};
}

Result<Response> Serve(const Services& services, const Request& request, const Found& found) {
  NRL_TRY(auto object, services.objects.Locate(found.artifact.object.key));
  const bool is_media = found.artifact.kind != "waveform" && found.artifact.kind != "poster";
  NRL_TRY(Response response,
          StoredResponse(request, {std::move(object), found.artifact.object.sha256,
                                   found.artifact.content_type, is_media}));
  // Bytes of strangers: never anything but a file to save.
  if (found.artifact.kind == "original") {
    response.With("Content-Disposition", AttachmentDisposition(found.locator));
  }
  response.With("X-Content-Type-Options", "nosniff");
  return response;
}

Result<Response> GetArtifact(const Services& services, const Request& request, const Caller& caller,
                             const std::string& kind) {
  NRL_TRY(const VideoId id, PathId<VideoId>(request, "video_id"));
  NRL_TRY(const Found found,
          ReadAs(services, caller, [&](access::Tx& tx) { return FindArtifact(tx, id, kind); }));
  return Serve(services, request, found);
}

Result<Response> GetMedia(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const std::string rendition =
      fields.Choice("rendition", {"playback", "original", "audio"}, "playback");
  NRL_CHECK(fields.End());
  return GetArtifact(services, request, caller, rendition);
}

Result<Response> GetCaptions(const Services& services, const Request& request,
                             const Caller& caller) {
  NRL_TRY(const VideoId id, PathId<VideoId>(request, "video_id"));
  Fields fields = Fields::OfQuery(request);
  const std::string format = fields.Choice("format", {"vtt", "srt", "txt"}, "vtt");
  NRL_CHECK(fields.End());
  NRL_TRY(const LoadedTranscript loaded,
          LoadTranscript({services.database, services.objects}, caller.scope, id));
  const std::string_view type = format == "vtt"   ? "text/vtt; charset=utf-8"
                                : format == "srt" ? "application/x-subrip; charset=utf-8"
                                                  : "text/plain; charset=utf-8";
  return TextResponse(request, FormatTranscript(loaded, format), type);
}

}  // namespace

void AddMediaRoutes(Router& router, const Services& services) {
  const auto add = [&](const std::string& part, const std::string& resource, const auto& function) {
    router.Add({.method = "GET",
                .pattern = "/api/v1/videos/{video_id}/" + part,
                .permission = {"read", resource == "videos" ? "videos" : "transcripts"},
                .handler = [services, function](const Request& request, const Caller& caller) {
                  return function(services, request, caller);
                }});
  };
  const auto artifact = [](const std::string& kind) {
    return [kind](const Services& given, const Request& request, const Caller& caller) {
      return GetArtifact(given, request, caller, kind);
    };
  };
  add("media", "videos", GetMedia);
  add("waveform", "videos", artifact("waveform"));
  add("poster", "videos", artifact("poster"));
  add("captions", "transcripts", GetCaptions);
}

}  // namespace narralytica::api
