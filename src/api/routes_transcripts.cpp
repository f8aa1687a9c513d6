// /api/v1/transcripts and /api/v1/segments: what was said.
#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/transcript_view.hpp"
#include "api/wire.hpp"
#include "transcript/transcript_lists.hpp"

namespace narralytica::api {
namespace {

Result<Response> List(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  const auto video = fields.MaybeId<VideoId>("video_id");
  NRL_CHECK(fields.End());
  NRL_TRY(const auto transcripts, ReadAs(services, caller, [&](access::Tx& tx) {
            return transcript::ListTranscripts(tx, video, page);
          }));
  return JsonResponse(200, PageJson(transcripts, page, TranscriptSummaryJson));
}

Result<Response> Get(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const TranscriptId id, PathId<TranscriptId>(request, "transcript_id"));
  NRL_TRY(LoadedTranscript loaded,
          ReadAs(services, caller, [&](access::Tx& tx) -> Result<LoadedTranscript> {
            NRL_TRY(const auto transcript, transcript::GetTranscript(tx, id));
            return ReadTranscriptRows(tx, transcript);
          }));
  NRL_CHECK(AddWords(services.objects, loaded));
  return JsonResponse(200, TranscriptJson(loaded));
}

Result<Response> ListSegments(const Services& services, const Request& request,
                              const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  const transcript::SegmentFilter filter{fields.MaybeId<VideoId>("video_id"),
                                         fields.MaybeId<TranscriptId>("transcript_id")};
  NRL_CHECK(fields.End());
  NRL_TRY(const auto segments, ReadAs(services, caller, [&](access::Tx& tx) {
            return transcript::ListSegments(tx, filter, page);
          }));
  return JsonResponse(200, PageJson(segments, page, SegmentJson));
}

Result<Response> GetSegment(const Services& services, const Request& request,
                            const Caller& caller) {
  NRL_TRY(const SegmentId id, PathId<SegmentId>(request, "segment_id"));
  NRL_TRY(const auto segment,
          ReadAs(services, caller, [&](access::Tx& tx) { return transcript::GetSegment(tx, id); }));
  return JsonResponse(200, SegmentJson(segment));
}

}  // namespace

void AddTranscriptsRoutes(Router& router, const Services& services) {
  const auto add = [&](const std::string& path, auto* function) {
    router.Add({.method = "GET",
                .pattern = path,
                .permission = {"read", "transcripts"},
                .handler = [services, function](const Request& request, const Caller& caller) {
                  return function(services, request, caller);
                }});
  };
  add("/api/v1/transcripts", List);
  add("/api/v1/transcripts/{transcript_id}", Get);
  add("/api/v1/segments", ListSegments);
  add("/api/v1/segments/{segment_id}", GetSegment);
}

}  // namespace narralytica::api
