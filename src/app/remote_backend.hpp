// The backend on a server, over HTTP.
#pragma once

#include <memory>

#include "app/backend.hpp"
#include "app/remote_client.hpp"

namespace narralytica::app {

std::unique_ptr<Backend> MakeRemoteBackend(RemoteClient client);

}  // namespace narralytica::app
