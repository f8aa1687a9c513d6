// What the routes work with, and the list of all routes. Everything outlives the router.
#pragma once

#include <functional>
#include <string>

#include "api/event_hub.hpp"
#include "api/router.hpp"
#include "index/embedder.hpp"
#include "index/index.hpp"
#include "jobs/queue.hpp"
#include "jobs/stage.hpp"
#include "media/intake.hpp"
#include "platform/metrics.hpp"
#include "platform/objects/objects.hpp"
#include "source/dialer.hpp"
#include "source/feeds.hpp"
#include "source/uploads.hpp"
#include "source/video_site.hpp"
#include "transcript/word_cache.hpp"

namespace narralytica::api {

struct Services {
  platform::Database& database;
  platform::ObjectStore& objects;
  jobs::Queue& queue;
  index::Index& index;
  index::Embedder& embedder;
  transcript::WordCache& words;
  const media::Intake& intake;
  const source::Uploads& uploads;
  const source::Dialer& dialer;
  const source::FeedsConfig& feeds;
  const source::VideoSites& sites;
  EventHub& events;
  platform::Metrics& metrics;
  Environment environment;
  int64_t upload_bytes_max = 0;
  std::string version;
  std::function<bool()> draining;
};

void AddHealthRoutes(Router& router, const Services& services);
void AddSessionRoutes(Router& router, const Services& services);
void AddKeysRoutes(Router& router, const Services& services);
void AddIngestRoutes(Router& router, const Services& services);
void AddUploadsRoutes(Router& router, const Services& services);
void AddSourcesRoutes(Router& router, const Services& services);
void AddVideosRoutes(Router& router, const Services& services);
void AddMediaRoutes(Router& router, const Services& services);
void AddTranscriptsRoutes(Router& router, const Services& services);
void AddSpeakersRoutes(Router& router, const Services& services);
void AddSearchRoutes(Router& router, const Services& services);
void AddJobsRoutes(Router& router, const Services& services);
void AddChangesRoutes(Router& router, const Services& services);

// All of the above.
void AddAllRoutes(Router& router, const Services& services);

// Shorthands of the routes.
template <typename Body>
auto ReadAs(const Services& services, const Caller& caller, Body&& body) {
  return access::Read(services.database, caller.scope, std::forward<Body>(body));
}
template <typename Body>
auto WriteAs(const Services& services, const Caller& caller, Body&& body) {
  return access::Write(services.database, caller.scope, std::forward<Body>(body));
}
// The id of that name in the path; kNotFound when it has not the shape of one.
template <typename Id>
Result<Id> PathId(const Request& request, const std::string& name) {
  return Id::Parse(request.path_ids.at(name));
}
Response NoContent();

}  // namespace narralytica::api
