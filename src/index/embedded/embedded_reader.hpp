// The embedded index's Reader: a committed state joined with a Xapian database of that very state.
#pragma once

#include <xapian.h>
#include <functional>
#include <memory>

#include "index/embedded/committed_state.hpp"
#include "index/index.hpp"

namespace narralytica::index {

struct ReaderParts {
  std::shared_ptr<const CommittedState> state;
  Xapian::Database words;
  std::optional<uint32_t> tenant;  // nullopt: nothing can be found
  int scan_threads = 1;
  // Takes the database back when the reader goes.
  std::function<void(Xapian::Database)> give_back;
};

std::unique_ptr<Reader> MakeEmbeddedReader(ReaderParts parts);

}  // namespace narralytica::index
