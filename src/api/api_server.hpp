// The API as a whole: routes, events, housekeeping and the two listeners, from an installation's
// parts. `serve` makes one.
//
// The metrics are on a listener of their own, on the loopback interface alone: they need no key.
#pragma once

#include <memory>
#include <string>

#include "api/http_server.hpp"
#include "api/router.hpp"
#include "index/embedder.hpp"
#include "index/index.hpp"
#include "jobs/queue.hpp"
#include "media/intake.hpp"
#include "platform/objects/objects.hpp"
#include "source/dialer.hpp"
#include "source/feeds.hpp"
#include "source/uploads.hpp"
#include "source/video_site.hpp"

namespace narralytica::api {

struct ApiConfig {
  ServerConfig server;
  LimitsConfig limits;
  source::UploadsConfig uploads;
  int metrics_port = 9'464;    // 0: any free one
  std::string console_folder;  // "": `console` beside the program
  void Bind(platform::ConfigBinder& binder);
};

struct ApiParts {
  platform::Database& database;
  platform::ObjectStore& objects;
  jobs::Queue& queue;
  index::Index& index;
  index::Embedder& embedder;
  Environment environment;
  platform::Logger log;
  media::IntakeConfig intake;
  source::FetchConfig fetch;
  source::FeedsConfig feeds;
  source::VideoSitesConfig sites;
  std::string uploads_folder;
  std::string voices_folder;  // of broken-off diarizations
  std::string version;
};

class ApiServer {
 public:
  // Listens; the HTTP server's errors.
  static Result<std::unique_ptr<ApiServer>> Start(ApiParts parts, const ApiConfig& config);
  // Stops, if Stop was not called.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  std::string url() const;
  std::string metrics_url() const;
  // Finishes requests in hand, for at most serve.drain_timeout_ms.
  void Stop();

 private:
  struct State;
  explicit ApiServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace narralytica::api
