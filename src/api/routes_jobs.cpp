// /api/v1/jobs: what is being done.
#include "api/fields.hpp"
#include "api/job_changes.hpp"
#include "api/services.hpp"
#include "api/wire.hpp"
#include "jobs/job_lists.hpp"

namespace narralytica::api {
namespace {

Result<Response> List(const Services& services, const Request& request, const Caller& caller) {
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  jobs::JobFilter filter;
  filter.statuses =
      fields.Choices("status", {"queued", "running", "succeeded", "failed", "canceled"});
  filter.type = fields.Choice(
      "type", {"ingest", "transcribe", "transcription", "diarize", "enrich", "index"});
  if (filter.type == "transcription") filter.type = "transcribe";  // its older name
  filter.video = fields.MaybeId<VideoId>("video_id");
  NRL_CHECK(fields.End());
  NRL_TRY(const auto found, ReadAs(services, caller, [&](access::Tx& tx) {
            return jobs::ListJobs(tx, filter, page);
          }));
  return JsonResponse(200, PageJson(found, page, JobJson));
}

Result<Response> Get(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const JobId id, PathId<JobId>(request, "job_id"));
  NRL_TRY(const auto job,
          ReadAs(services, caller, [&](access::Tx& tx) { return services.queue.Get(tx, id); }));
  return JsonResponse(200, JobJson(job));
}

Result<Response> ListRuns(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(const JobId id, PathId<JobId>(request, "job_id"));
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  NRL_CHECK(fields.End());
  std::string trace;
  NRL_TRY(const auto runs,
          ReadAs(services, caller, [&](access::Tx& tx) -> Result<access::Page<jobs::JobRun>> {
            NRL_TRY(const jobs::Job job, services.queue.Get(tx, id));
            trace = job.trace;
            return jobs::ListRuns(tx, id, page);
          }));
  return JsonResponse(
      200, PageJson(runs, page, [&](const jobs::JobRun& run) { return RunJson(run, trace); }));
}

Result<Response> ListEvents(const Services& services, const Request& request,
                            const Caller& caller) {
  NRL_TRY(const JobId id, PathId<JobId>(request, "job_id"));
  Fields fields = Fields::OfQuery(request);
  const access::PageRequest page = fields.Page();
  NRL_CHECK(fields.End());
  NRL_TRY(const auto events,
          ReadAs(services, caller, [&](access::Tx& tx) { return jobs::ListEvents(tx, id, page); }));
  return JsonResponse(200, PageJson(events, page, EventJson));
}

Result<Response> Change(const Services& services, const Request& request, const Caller& caller,
                        JobChange change) {
  NRL_TRY(const JobId id, PathId<JobId>(request, "job_id"));
  const JobChangeParts parts{services.database, services.queue, services.metrics,
                             services.environment};
  NRL_TRY(const auto job, WriteAs(services, caller, [&](access::Tx& tx) {
            return ChangeJob(tx, parts, id, change);
          }));
  return JsonResponse(200, JobJson(job));
}

Result<Response> Redrive(const Services& services, const Request& request, const Caller& caller) {
  NRL_TRY(Fields fields, Fields::OfBody(request));
  jobs::DeadLetterFilter filter;
  filter.code = fields.Text(
      "code", {.characters_max = 100, .form = IsPrintableAscii, .form_text = "be an error's code"});
  filter.type = fields.Choice("type", {"ingest", "transcribe", "diarize", "enrich", "index"});
  const int64_t limit = fields.Integer("limit", {1, kRedriveMax}, 100);
  NRL_CHECK(fields.End());
  const JobChangeParts parts{services.database, services.queue, services.metrics,
                             services.environment};
  NRL_TRY(const auto redriven,
          RedriveDeadLetters(caller.scope, parts, filter, static_cast<int>(limit)));
  return JsonResponse(200, RedrivenJson(redriven));
}

}  // namespace

void AddJobsRoutes(Router& router, const Services& services) {
  const auto read = [&](const std::string& path, auto* function) {
    router.Add({.method = "GET",
                .pattern = path,
                .permission = {"read", "jobs"},
                .handler = [services, function](const Request& request, const Caller& caller) {
                  return function(services, request, caller);
                }});
  };
  const auto write = [&](const std::string& path, JobChange change) {
    router.Add({.method = "POST",
                .pattern = path,
                .cost = Cost::kWrite,
                .permission = {"write", "jobs"},
                .handler = [services, change](const Request& request, const Caller& caller) {
                  return Change(services, request, caller, change);
                }});
  };
  read("/api/v1/jobs", List);
  read("/api/v1/jobs/{job_id}", Get);
  read("/api/v1/jobs/{job_id}/runs", ListRuns);
  read("/api/v1/jobs/{job_id}/events", ListEvents);
  router.Add({.method = "POST",
              .pattern = "/api/v1/dead-letters/redrive",
              .cost = Cost::kWrite,
              .permission = {"write", "jobs"},
              .handler = [services](const Request& request, const Caller& caller) {
                return Redrive(services, request, caller);
              }});
  write("/api/v1/jobs/{job_id}/retry", JobChange::kRetry);
  write("/api/v1/jobs/{job_id}/cancel", JobChange::kCancel);
}

}  // namespace narralytica::api
