// /api/v1/sources: feeds and folders that are followed.
#include "api/fields.hpp"
#include "api/services.hpp"
#include "api/wire.hpp"

namespace narralytica::api {
namespace {

constexpr int64_t kIntervalMinS = 30;
constexpr int64_t kIntervalMaxS = 604'800;
constexpr int64_t kIntervalS = 900;
constexpr size_t kPathCharactersMax = 1'024;

Result<Response> List(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  NRL_CHECK(fields.End());
  NRL_TRY(const auto feeds,
          ReadAs(services, caller, [&](access::Tx& tx) { return source::ListFeeds(tx, page); }));
  return JsonResponse(200, PageJson(feeds, page, SourceJson));
}

Result<Response> Get(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const FeedId id, PathId<FeedId>(request, "source_id"));
  NRL_TRY(const auto feed,
          ReadAs(services, caller, [&](access::Tx& tx) { return source::GetFeed(tx, id); }));
  return JsonResponse(200, SourceJson(feed));
}

Result<std::string> Locate(const Services& services, const source::Feed& wanted) {
  auto locator = source::CheckLocator(services.dialer, services.feeds, wanted);
  if (locator) return locator;
  Error error = locator.error();
  if (wanted.kind == "folder") return Fail(InvalidField("path", error.message, error.hint));
  error.reason += ":url";
  return Fail(std::move(error));
}

Result<Response> Create(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(Fields fields, Fields::OfBody(request));
  source::Feed wanted;
  if (!fields.Has("kind")) fields.Missing("kind");
  wanted.kind = fields.Choice("kind", {"feed", "folder"});
  if (wanted.kind == "folder") {
    wanted.locator =
        fields.Text("path", {.required = true,
                             .characters_max = kPathCharactersMax,
                             .form = [](std::string_view text) { return text.starts_with('/'); },
                             .form_text = "begin with /"});
  } else {
    wanted.locator = fields.Text("url", HttpUrlRule());
  }
  wanted.poll_interval_s =
      fields.Integer("poll_interval_s", {kIntervalMinS, kIntervalMaxS}, kIntervalS);
  NRL_CHECK(fields.End());
  NRL_TRY(wanted.locator, Locate(services, wanted));
  NRL_TRY(const auto feed, WriteAs(services, caller, [&](access::Tx& tx) {
            return source::CreateFeed(tx, wanted, services.environment);
          }));
  return JsonResponse(201, SourceJson(feed));
}

Result<Response> Delete(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const FeedId id, PathId<FeedId>(request, "source_id"));
  NRL_CHECK(WriteAs(services, caller, [&](access::Tx& tx) { return source::DeleteFeed(tx, id); }));
  return NoContent();
}

Result<Response> PollNow(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const FeedId id, PathId<FeedId>(request, "source_id"));
  NRL_TRY(const auto feed, WriteAs(services, caller, [&](access::Tx& tx) -> Result<source::Feed> {
            NRL_CHECK(source::MakeDue(tx, id, services.environment.clock.Now()));
            return source::GetFeed(tx, id);
          }));
  return JsonResponse(202, SourceJson(feed));
}

}  // namespace

void AddSourcesRoutes(Router& router, const Services& services) {
  const auto add = [&](std::string method, const std::string& pattern, auto* function) {
    const bool reads = method == "GET";
    router.Add({.method = std::move(method),
                .pattern = pattern,
                .cost = reads ? Cost::kRead : Cost::kWrite,
                .permission = {reads ? "read" : "write", "sources"},
                .handler = [services, function](const Request& request, const Caller& caller) {
                  return function(services, request, caller);
                }});
  };
  const std::string all = "/api/v1/sources";
  const std::string one = all + "/{source_id}";
  add("GET", all, List);
  add("POST", all, Create);
  add("GET", one, Get);
  add("DELETE", one, Delete);
  add("POST", one + "/poll", PollNow);
}

}  // namespace narralytica::api
