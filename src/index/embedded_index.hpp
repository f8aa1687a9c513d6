// The embedded implementation of the `index` port: one folder, one writing process at a time, any
// number of reading ones.
//
//     <folder>/LOCK                           held by the writer
//     <folder>/CURRENT                        name of the current generation
//     <folder>/<generation>/generation.json   how its terms were made
//     <folder>/<generation>/words/            Xapian database
//     <folder>/<generation>/manifest-N.nrm    one committed state of the vector part
//     <folder>/<generation>/block-N.nrb       vectors
//
// A commit writes the new vectors, then the new manifest, then commits the words part, which names
// the manifest it belongs to. That last step makes the whole visible. A crash before it leaves the
// old state untouched, and the next writer removes what was left over. Both parts store the change
// number; they agree in every state that a reader can see.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "index/index.hpp"

namespace narralytica::index {

struct EmbeddedIndexOptions {
  std::string folder;    // made when missing
  int scan_threads = 2;  // for one vector scan
  // Called by a commit after each of its steps ("vectors", "manifest", "words"): where tests pull
  // the plug.
  std::function<void(std::string_view step)> after_step = {};
};

// kDenied or kUnavailable when the folder cannot be used.
Result<std::unique_ptr<Index>> OpenEmbeddedIndex(EmbeddedIndexOptions options);

}  // namespace narralytica::index
