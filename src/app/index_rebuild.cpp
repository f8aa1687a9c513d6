#include "app/index_rebuild.hpp"

#include <fmt/format.h>

#include "index/stages.hpp"

namespace narralytica::app {

Result<int64_t> RebuildIndex(Installation& store, const Deadline& deadline) {
  NRL_TRY(const auto before, store.index().Generations());
  const std::string name = fmt::format("g{}", store.environment().clock.Now().value);
  const index::CatchUp task{store.database(),    store.objects(), store.index(),
                            store.environment(), "cli/" + name,   name};
  NRL_TRY(const index::CatchUpResult result, index::RunCatchUp(task, deadline));
  if (!result.failures.empty()) {
    Error error = result.failures.front().second;
    error.message = fmt::format("{} recordings cannot be indexed; the live index stays: {}",
                                result.failures.size(), error.message);
    return Fail(std::move(error));
  }
  NRL_CHECK(store.index().Switch(name, deadline));
  for (size_t i = 1; i < before.size(); ++i) {
    NRL_CHECK(store.index().Remove(before[i], deadline));
  }
  return result.recordings;
}

}  // namespace narralytica::app
