// `serve`: the HTTP API and the web application on one data folder.
#include <condition_variable>
#include <mutex>

#include "api/api_server.hpp"
#include "app/cli.hpp"
#include "app/version.hpp"
#include "app/work.hpp"
#include "index/embedder.hpp"
#include "platform/inference/engine_client.hpp"

namespace narralytica::app {
namespace {

Status Serve(const CommonOptions& options, const std::stop_token& stop) {
  NRL_TRY(const auto store, OpenInstallation(options, "serve"));
  platform::EngineClient engine(store->engine_socket());
  index::EngineEmbedder embedder(engine, kEmbeddingModel);
  NRL_TRY(const auto server,
          api::ApiServer::Start(
              {store->database(), store->objects(), store->queue(), store->index(), embedder,
               store->environment(), store->log(), store->config().intake, store->config().fetch,
               store->config().feeds, store->config().sites, store->folder() + "/uploads",
               store->temporary_folder() + "/voices", std::string(Version())},
              store->config().api));
  Note("narralytica serves " + server->url() + "; Ctrl-C stops it");
  if (options.json) {
    PrintJson({{"url", server->url()}, {"metrics_url", server->metrics_url()}});
  }
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait(lock, stop, [] { return false; });
  server->Stop();
  return {};
}

}  // namespace

void AddServeCommand(CommandSet& commands) {
  auto options = std::make_shared<CommonOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "serve", "serve the HTTP API and the web application until stopped");
  AddCommonOptions(*command, *options, Place::kFolder);
  AddPortOption(*command, *options);
  command->callback([&commands, options] {
    SignalStop stop;
    const Status status = Serve(*options, stop.token());
    commands.exit_code = status ? kDone : FailCommand(status.error(), options->json);
  });
}

}  // namespace narralytica::app
