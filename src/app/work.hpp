// Runs a worker on an installation: the stages, the engine it needs, and the loop.
#pragma once

#include <stop_token>

#include "app/installation.hpp"

namespace narralytica::app {

// Works until `stop`, or with `drain` until no job is queued or running. Starts an engine unless
// one answers.
Status RunWorker(Installation& installation, std::stop_token stop, bool drain);

}  // namespace narralytica::app
