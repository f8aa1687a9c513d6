// /livez and /readyz.
#include "api/services.hpp"
#include "api/wire.hpp"

namespace narralytica::api {
namespace {

struct Check {
  std::string name;
  Status status;
};

std::vector<Check> RunChecks(const Services& services) {
  std::vector<Check> checks;
  const auto open = services.queue.CountOpen();
  checks.push_back({"database", open ? Status{} : Status(Fail(open))});
  const auto reader = services.index.Read(access::DefaultTenant());
  checks.push_back({"index", reader ? Status{} : Status(Fail(reader))});
  return checks;
}

Result<Response> Readiness(const Services& services) {
  if (services.draining()) {
    return Fail(ErrorCode::kUnavailable, "the server is stopping", "ask another one");
  }
  Json checks = Json::array();
  for (const Check& check : RunChecks(services)) {
    if (!check.status) {
      return Fail(ErrorCode::kUnavailable, "the " + check.name + " cannot be used",
                  check.status.error().message, check.status.error().cause);
    }
    checks.push_back({{"name", check.name}, {"ok", true}, {"detail", nullptr}});
  }
  return JsonResponse(200, {{"status", "ready"}, {"checks", std::move(checks)}});
}

}  // namespace

void AddHealthRoutes(Router& router, const Services& services) {
  router.Add({.method = "GET",
              .pattern = "/livez",
              .open = true,
              .handler = [services](const Request&, const Caller&) -> Result<Response> {
                return JsonResponse(200, {{"status", "alive"}, {"version", services.version}});
              }});
  router.Add(
      {.method = "GET",
       .pattern = "/readyz",
       .open = true,
       .handler = [services](const Request&, const Caller&) { return Readiness(services); }});
}

Response NoContent() { return {.status = 204, .headers = {}, .body = {}}; }

void AddAllRoutes(Router& router, const Services& services) {
  AddHealthRoutes(router, services);
  AddSessionRoutes(router, services);
  AddKeysRoutes(router, services);
  AddIngestRoutes(router, services);
  AddUploadsRoutes(router, services);
  AddSourcesRoutes(router, services);
  AddVideosRoutes(router, services);
  AddMediaRoutes(router, services);
  AddTranscriptsRoutes(router, services);
  AddSpeakersRoutes(router, services);
  AddSearchRoutes(router, services);
  AddJobsRoutes(router, services);
  AddChangesRoutes(router, services);
}

}  // namespace narralytica::api
