// /api/v1/changes, the feed, and /api/v1/events, the stream.
#include <charconv>

#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/wire.hpp"
#include "jobs/job_lists.hpp"

namespace narralytica::api {
namespace {

constexpr int kChangesMax = 1'000;
constexpr int kChangesDefault = 100;
constexpr size_t kEventIdBytesMax = 100;

Result<int64_t> SeqOf(const std::string& cursor) {
  int64_t seq = 0;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), seq);
  if (!cursor.empty() &&
      (error != std::errc{} || end != cursor.data() + cursor.size() || seq < 0)) {
    return Fail(InvalidField("cursor", "the cursor is not one that this server gave",
                             "begin again without a cursor"));
  }
  return seq;
}

Result<Response> List(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const std::string cursor = fields.Text("cursor", {.characters_max = 512});
  const auto limit = static_cast<int>(fields.Integer("limit", {1, kChangesMax}, kChangesDefault));
  NRL_CHECK(fields.End());
  NRL_TRY(const int64_t after, SeqOf(cursor));
  NRL_TRY(auto changes, ReadAs(services, caller, [&](access::Tx& tx) {
            return jobs::ReadChanges(tx, after, limit + 1);
          }));
  const bool has_more = std::cmp_greater(changes.size(), limit);
  if (has_more) changes.pop_back();
  Json items = Json::array();
  for (const jobs::ListedChange& change : changes) items.push_back(ChangeJson(change));
  const int64_t last = changes.empty() ? after : changes.back().seq;
  return JsonResponse(
      200,
      {{"items", std::move(items)}, {"next_cursor", std::to_string(last)}, {"has_more", has_more}});
}

Result<Response> Stream(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  Listening listening{caller.key.tenant, fields.MaybeId<VideoId>("video_id"),
                      request.Header("last-event-id"), request.correlation_id};
  NRL_CHECK(fields.End());
  if (listening.last_event_id.size() > kEventIdBytesMax) {
    return Fail(InvalidField("Last-Event-ID", "Last-Event-ID is too long"));
  }
  NRL_TRY(auto listener, services.events.Listen(std::move(listening)));
  Response response{.status = 200, .headers = {}, .body = {}};
  response.With("Content-Type", "text/event-stream")
      .With("Cache-Control", "no-store")
      .With("X-Accel-Buffering", "no");
  response.body = StreamBody{[listener] { return listener->Next(); }};
  return response;
}

}  // namespace

void AddChangesRoutes(Router& router, const Services& services) {
  router.Add({.method = "GET",
              .pattern = "/api/v1/changes",
              .permission = {"read", "changes"},
              .handler = [services](const Request& request, const Caller& caller) {
                return List(services, request, caller);
              }});
  router.Add({.method = "GET",
              .pattern = "/api/v1/events",
              .permission = {"read", "changes"},
              .handler = [services](const Request& request, const Caller& caller) {
                return Stream(services, request, caller);
              }});
}

}  // namespace narralytica::api
