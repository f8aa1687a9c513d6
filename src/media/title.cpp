#include "media/title.hpp"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

namespace narralytica::media {

std::string FoldTitle(std::string_view title) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* folding = icu::Normalizer2::getNFKCCasefoldInstance(status);
  if (U_FAILURE(status)) return std::string(title);
  const auto text = icu::UnicodeString::fromUTF8(
      icu::StringPiece(title.data(), static_cast<int32_t>(title.size())));
  const icu::UnicodeString folded = folding->normalize(text, status);
  if (U_FAILURE(status)) return std::string(title);
  std::string utf8;
  folded.toUTF8String(utf8);
  return utf8;
}

}  // namespace narralytica::media
