// The backend on a data folder of this machine.
#pragma once

#include <memory>

#include "app/backend.hpp"
#include "app/installation.hpp"

namespace narralytica::app {

std::unique_ptr<Backend> MakeLocalBackend(std::unique_ptr<Installation> store,
                                          std::stop_token stop);

}  // namespace narralytica::app
