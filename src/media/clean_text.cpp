#include "media/clean_text.hpp"

#include <algorithm>
#include <cstdint>

#include "base/utf8.hpp"

namespace narralytica::media {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

std::string CleanText(std::string_view text, size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const size_t bytes = Utf8SequenceBytes(text);
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
