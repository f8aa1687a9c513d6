#include "app/backend.hpp"

#include "app/local_backend.hpp"
#include "app/remote_backend.hpp"

namespace narralytica::app {

Result<std::unique_ptr<Backend>> OpenBackend(const CommonOptions& options, std::string_view process,
                                             std::stop_token stop) {
  if (!options.server.empty()) {
    NRL_TRY(RemoteClient client, RemoteClient::Create(options, std::move(stop)));
    return MakeRemoteBackend(std::move(client));
  }
  NRL_TRY(auto store, OpenInstallation(options, process));
  return MakeLocalBackend(std::move(store), std::move(stop));
}

}  // namespace narralytica::app
