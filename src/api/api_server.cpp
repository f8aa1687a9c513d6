#include "api/api_server.hpp"

#include <fmt/format.h>

#include <atomic>

#include "api/console_files.hpp"
#include "api/housekeeping.hpp"
#include "api/services.hpp"

namespace narralytica::api {
namespace {

constexpr const char* kLoopback = "127.0.0.1";

// Answers GET /metrics and nothing else.
class MetricsApplication final : public Application {
 public:
  explicit MetricsApplication(const platform::Metrics& metrics) : metrics_(metrics) {}
  bool StreamsBody(const Request&) const override { return false; }
  Response Handle(Request& request) override {
    if (request.path != "/metrics" || (request.method != "GET" && request.method != "HEAD")) {
      return ErrorResponse(
          HttpError{404, "resource_not_found", "there is nothing at this address", "GET /metrics"},
          request.correlation_id);
    }
    Response response{.status = 200, .headers = {}, .body = metrics_.Text()};
    response.With("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  }
  std::variant<Response, std::unique_ptr<BodySink>> Receive(Request& request) override {
    return Handle(request);
  }

 private:
  const platform::Metrics& metrics_;
};

std::string ConsoleFolder(const std::string& configured) {
  return configured.empty() ? platform::ProgramFolder() + "/console" : configured;
}

ServerConfig MetricsServerConfig(int port) {
  ServerConfig config;
  config.address = kLoopback;
  config.port = port;
  config.worker_threads = 1;
  config.storage_threads = 1;
  config.connections_max = 16;
  config.drain_timeout_ms = 100;
  return config;
}

}  // namespace

void ApiConfig::Bind(platform::ConfigBinder& binder) {
  server.Bind(binder);
  limits.Bind(binder);
  uploads.Bind(binder);
  binder.Field("serve.metrics_port", &metrics_port, {0, 65'535},
               "port of /metrics, on the loopback interface; 0: any free one");
  binder.Field("serve.console_folder", &console_folder,
               "the built web application; empty: console beside the program");
}

// Destroyed from the last to the first.
struct ApiServer::State {
  struct Opened {
    std::unique_ptr<source::Uploads> uploads;
    source::Dialer dialer;
  };
  State(ApiParts given, Opened opened, const ApiConfig& config)
      : parts(std::move(given)),
        address(config.server.address),
        uploads(std::move(opened.uploads)),
        dialer(std::move(opened.dialer)),
        sites(parts.sites, platform::ProgramPath()),
        intake({parts.database, parts.objects, parts.queue, parts.environment}, parts.intake),
        events({parts.database, parts.queue, parts.index, parts.environment, parts.log}),
        router({parts.database, parts.environment, parts.log, config.limits}),
        metrics_application(metrics),
        housekeeping({parts.database, *uploads, parts.environment, parts.log}) {}

  Services services() {
    return {parts.database,
            parts.objects,
            parts.queue,
            parts.index,
            parts.embedder,
            words,
            intake,
            *uploads,
            dialer,
            parts.feeds,
            sites,
            events,
            metrics,
            parts.environment,
            parts.intake.file_bytes_max,
            parts.voices_folder,
            parts.version,
            [this] { return stopping.load(); }};
  }

  ApiParts parts;
  const std::string address;
  std::atomic<bool> stopping = false;
  platform::Metrics metrics;
  platform::Metrics unseen;  // of the listener that serves the metrics
  std::unique_ptr<source::Uploads> uploads;
  const source::Dialer dialer;
  const source::VideoSites sites;
  media::Intake intake;
  EventHub events;
  transcript::WordCache words;
  std::unique_ptr<ConsoleFiles> console;
  Router router;
  MetricsApplication metrics_application;
  Housekeeping housekeeping;
  std::unique_ptr<HttpServer> metrics_server;
  std::unique_ptr<HttpServer> server;
};

ApiServer::ApiServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
ApiServer::~ApiServer() { Stop(); }

Result<std::unique_ptr<ApiServer>> ApiServer::Start(ApiParts parts, const ApiConfig& config) {
  NRL_TRY(auto uploads,
          source::Uploads::Open(parts.uploads_folder, parts.environment, config.uploads));
  NRL_TRY(auto console, ConsoleFiles::Load(ConsoleFolder(config.console_folder)));
  NRL_TRY(auto dialer, source::Dialer::Create(parts.fetch));
  auto state = std::make_unique<State>(
      std::move(parts), State::Opened{std::move(uploads), std::move(dialer)}, config);
  state->console = std::move(console);
  AddAllRoutes(state->router, state->services());
  state->router.SetFallback(
      [files = state->console.get()](const Request& request) { return files->Answer(request); });
  NRL_TRY(state->metrics_server,
          HttpServer::Start({state->metrics_application, state->parts.environment, state->parts.log,
                             state->unseen},
                            MetricsServerConfig(config.metrics_port)));
  NRL_TRY(state->server, HttpServer::Start({state->router, state->parts.environment,
                                            state->parts.log, state->metrics},
                                           config.server));
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(state)));
}

std::string ApiServer::url() const {
  const std::string& address = state_->address;
  const std::string host = address.contains(':') ? "[" + address + "]" : address;
  return fmt::format("http://{}:{}", host, state_->server->port());
}

std::string ApiServer::metrics_url() const {
  return fmt::format("http://{}:{}/metrics", kLoopback, state_->metrics_server->port());
}

void ApiServer::Stop() {
  state_->stopping = true;
  state_->server->Stop();
  state_->metrics_server->Stop();
}

}  // namespace narralytica::api
