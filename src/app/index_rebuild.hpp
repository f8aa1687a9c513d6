// A new index from the database and the stored vectors, beside the one that serves.
#pragma once

#include "app/installation.hpp"

namespace narralytica::app {

// Builds a complete generation, then makes it the current one with one switch; the one before stays
// for a way back, older ones go. Gives the number of recordings in it. When one cannot be indexed,
// the index that serves stays and the error names the first.
Result<int64_t> RebuildIndex(Installation& store, const Deadline& deadline);

}  // namespace narralytica::app
