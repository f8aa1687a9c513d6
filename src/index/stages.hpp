// The two stages of this module: sentence vectors of a transcript, and bringing the index up to
// date with the change feed (docs/adr/0003).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "index/embedder.hpp"
#include "index/index.hpp"
#include "jobs/stage.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::index {

// `enrich:embedding`.
std::unique_ptr<jobs::Stage> MakeEmbeddingStage(Embedder& embedder, platform::ObjectStore& objects);

// `index`. Applies every change after the one that the index holds, whoever made it.
std::unique_ptr<jobs::Stage> MakeIndexStage(Index& index, platform::ObjectStore& objects);

// Brings `generation` ("": the current one) from the change number it holds to the newest; for the
// stage and for rebuilds. The caller tells who writes.
struct CatchUp {
  platform::Database& database;
  platform::ObjectStore& objects;
  Index& index;
  Environment environment;
  std::string holder;      // of the writer's lease
  std::string generation;  // "" the current one
  // Asked before each commit to the index; an error ends the run without it. Empty: nobody is.
  std::function<Status()> may_commit = {};
};
struct CatchUpResult {
  int64_t as_of_seq = 0;
  int64_t recordings = 0;
  // Of recordings that could not be projected; the others are in the index.
  std::vector<std::pair<VideoId, Error>> failures;
};
Result<CatchUpResult> RunCatchUp(const CatchUp& task, const Deadline& deadline);

}  // namespace narralytica::index
