#include "media/clean_text.hpp"

#include <algorithm>
#include <cstdint>

namespace narralytica::media {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Bytes of the well-formed UTF-8 sequence (RFC 3629) at the front, 0 when there is none.
size_t SequenceBytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) > 0x9F;
  const bool beyond = first == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : bytes;
}

}  // namespace

std::string CleanText(std::string_view text, size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const size_t bytes = SequenceBytes(text);
    std::string_view piece = bytes == 0 ? kReplacement : text.substr(0, bytes);
    const auto first = static_cast<uint8_t>(piece[0]);
    if (first < 0x20 || first == 0x7F) piece = " ";
    if (clean.size() + piece.size() > bytes_max) break;
    clean += piece;
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return clean;
}

}  // namespace narralytica::media
