// Titles as they are compared: whatever the case and the form of their characters.
#pragma once

#include <string>
#include <string_view>

namespace narralytica::media {

// NFKC with case folding (Unicode Standard Annex 15 and section 5.18); the text itself when it is
// not UTF-8.
std::string FoldTitle(std::string_view title);

}  // namespace narralytica::media
