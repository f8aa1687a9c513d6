// Where the next page of a search begins. Opaque to callers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace narralytica::search {

struct Cursor {
  std::string search;         // which search it belongs to: Fingerprint of its inputs
  uint32_t offset = 0;        // hits given so far
  std::string video_id;       // of the last hit given
  int32_t segment_index = 0;  // likewise
};

std::string EncodeCursor(const Cursor& cursor);
// kInvalid for what EncodeCursor did not make, or made for another search.
Result<Cursor> DecodeCursor(std::string_view text, std::string_view search);

}  // namespace narralytica::search
