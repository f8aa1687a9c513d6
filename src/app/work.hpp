// Runs a worker on an installation: the stages, the engine it needs, and the loop.
#pragma once

#include <stop_token>

#include "app/engine_supervisor.hpp"
#include "app/installation.hpp"

namespace narralytica::app {

inline constexpr const char* kEmbeddingModel = "e5-small";

// The engine of that installation, logging to its logs folder.
EngineSupervisorOptions EngineOptions(const Installation& store);

// Works until `stop`, or with `drain` until no job is queued or running. Starts an engine unless
// one answers.
Status RunWorker(Installation& store, const std::stop_token& stop, bool drain);

}  // namespace narralytica::app
