// Captions of segments with whatever text, times and speakers.
#include <algorithm>

#include "base/utf8.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "transcript/captions.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  std::vector<transcript::Segment> segments;
  int64_t time_ms = 0;
  while (!input.empty() && segments.size() < 20) {
    transcript::Segment segment;
    segment.range.start_ms = time_ms += input.Take<uint16_t>();
    for (uint32_t words = 1 + input.Below(11); words > 0; --words) {
      transcript::Word word;
      word.start_ms = time_ms;
      word.end_ms = time_ms += 1 + input.Take<uint16_t>();
      word.text = std::string(input.Bytes(input.Below(60)));
      const bool printable =
          std::ranges::all_of(word.text, [](unsigned char c) { return c > ' '; });
      if (!printable || !IsUtf8(word.text) || word.text.empty()) word.text = "word";
      segment.text += (segment.text.empty() ? "" : " ") + word.text;
      segment.words.push_back(std::move(word));
    }
    segment.range.end_ms = std::max(time_ms, segment.range.start_ms);
    if (const uint32_t speaker = input.Below(3); speaker > 0) {
      segment.speaker = SpeakerId::FromTrusted(std::string(1, static_cast<char>('a' + speaker)));
    }
    segments.push_back(std::move(segment));
  }
  const transcript::SpeakerNames names{{SpeakerId::FromTrusted("b"), "<Bob> & co"},
                                       {SpeakerId::FromTrusted("c"), std::string(200, 'c')}};
  const auto captions = transcript::MakeCaptions(segments, names);
  for (const transcript::Caption& caption : captions) {
    NRL_ASSERT(caption.range.end_ms >= caption.range.start_ms);
    NRL_ASSERT(!caption.lines.empty() && caption.lines.size() <= 2);
    for (const std::string& line : caption.lines) {
      NRL_ASSERT(!line.empty() && !line.contains('\n') && IsUtf8(line));
    }
  }
  (void)transcript::ToSrt(captions);
  (void)transcript::ToVtt(captions);
  (void)transcript::ToText(segments, names);
  return 0;
}
