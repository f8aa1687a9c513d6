// Cursors, which come back from clients.
#include "access/page.hpp"
#include "search/cursor.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const std::string_view search = input.Line();
  const std::string_view text = input.Rest();
  if (const auto cursor = search::DecodeCursor(text, search)) {
    NRL_ASSERT(cursor->search == search);
    const auto again = search::DecodeCursor(search::EncodeCursor(*cursor), search);
    NRL_ASSERT(again && again->offset == cursor->offset && again->video_id == cursor->video_id);
  }
  if (const auto after = access::DecodeCursor(text)) {
    NRL_ASSERT(access::DecodeCursor(access::EncodeCursor(*after)) == *after);
  }
  return 0;
}
