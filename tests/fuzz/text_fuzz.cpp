// Text, times and ids.
#include "base/id.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"
#include "media/clean_text.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const size_t most = input.Take<uint8_t>();
  const std::string_view text = input.Rest();
  const std::string clean = media::CleanText(text, most);
  NRL_ASSERT(clean.size() <= most && IsUtf8(clean));
  size_t whole = 0;
  while (whole < text.size()) {
    const size_t bytes = Utf8SequenceBytes(text.substr(whole));
    if (bytes == 0) break;
    whole += bytes;
  }
  NRL_ASSERT((whole == text.size()) == IsUtf8(text));
  if (const auto time = ParseRfc3339(text)) {
    NRL_ASSERT(ParseRfc3339(FormatRfc3339(*time)) == *time);
  }
  if (const auto id = VideoId::Parse(text)) NRL_ASSERT(VideoId::Parse(id->str()));
  const auto number = static_cast<int64_t>(fuzz::Input(data, size).Take<uint64_t>() >> 12);
  (void)FormatOffset(number);
  (void)FormatDuration(number);
  return 0;
}
