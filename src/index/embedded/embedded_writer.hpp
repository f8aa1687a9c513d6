// The embedded index's Writer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "index/embedded/generation.hpp"
#include "index/index.hpp"

namespace narralytica::index {

struct WriterParts {
  std::string index_folder;
  std::string generation;
  platform::FileDescriptor lock;  // held until the writer goes
  std::function<void(std::string_view step)> after_step;
};

// Opens the generation's words for writing and removes what a crash left over.
Result<std::unique_ptr<Writer>> MakeEmbeddedWriter(WriterParts parts);

}  // namespace narralytica::index
