// /api/v1/search, by address or by body.
#include "api/fields.hpp"
#include "api/search_service.hpp"
#include "api/services.hpp"

namespace narralytica::api {
namespace {

constexpr std::chrono::seconds kSearchTimeout{30};
constexpr size_t kQueryCharactersMax = 1'024;

void ReadFilters(Fields& fields, index::Filter& filter) {
  filter.language =
      fields.Text("language", {.characters_max = 35, .form = IsLanguage, .form_text = "be BCP 47"});
  filter.source = fields.Choice("source", {"upload", "external_url", "youtube"});
  filter.video_id = fields.MaybeId<VideoId>("video_id");
  filter.speaker_id = fields.MaybeId<SpeakerId>("speaker_id");
  filter.published_from = fields.Time("date_from");
  filter.published_until = fields.Time("date_to");
}

// What both forms of the request share; `query_name` is what the query is called there.
Result<search::SearchRequest> ReadWanted(Fields& fields, Fields& filters,
                                         std::string_view query_name) {
  search::SearchRequest request;
  request.query =
      fields.Text(query_name, {.required = true, .characters_max = kQueryCharactersMax});
  const std::string mode = fields.Choice("mode", {"lexical", "semantic", "hybrid"});
  const auto semantic = fields.Flag("semantic");
  request.limit =
      static_cast<uint32_t>(fields.Integer("limit", {1, search::kLimitMax}, search::kLimitDefault));
  request.offset = static_cast<uint32_t>(fields.Integer("offset", {0, search::kOffsetMax}, 0));
  request.cursor = fields.Text("cursor", {.characters_max = 512});
  ReadFilters(filters, request.filter);
  NRL_CHECK(filters.End());
  NRL_CHECK(fields.End());
  if (!mode.empty()) {
    NRL_TRY(request.mode, search::ParseMode(mode));
  } else if (semantic) {
    request.mode = *semantic ? search::Mode::kHybrid : search::Mode::kLexical;
  }
  return request;
}

Result<Response> Search(const Services& services, const Caller& caller,
                        const search::SearchRequest& wanted) {
  const SearchParts parts{services.database, services.objects, services.index,
                          services.embedder, services.words,   services.environment};
  NRL_TRY(const auto reply, RunSearch(parts, caller.scope, wanted, Deadline::In(kSearchTimeout)));
  return JsonResponse(200, search::ToJson(reply));
}

}  // namespace

void AddSearchRoutes(Router& router, const Services& services) {
  router.Add(
      {.method = "GET",
       .pattern = "/api/v1/search",
       .cost = Cost::kExpensive,
       .permission = {"read", "search"},
       .handler = [services](const Request& request, const Caller& caller) -> Result<Response> {
         Fields fields = Fields::OfQuery(request);
         NRL_TRY(const auto wanted, ReadWanted(fields, fields, "q"));
         return Search(services, caller, wanted);
       }});
  router.Add(
      {.method = "POST",
       .pattern = "/api/v1/search",
       .cost = Cost::kExpensive,
       .permission = {"read", "search"},
       .handler = [services](const Request& request, const Caller& caller) -> Result<Response> {
         NRL_TRY(Fields fields, Fields::OfBody(request));
         Fields filters = fields.Object("filters");
         NRL_TRY(const auto wanted, ReadWanted(fields, filters, "query"));
         return Search(services, caller, wanted);
       }});
}

}  // namespace narralytica::api
