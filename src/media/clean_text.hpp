// Text from a file, or from the process that reads files, made harmless to store and to print.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace narralytica::media {

// Valid UTF-8 without control characters, at most `bytes_max`, cut between characters; what is not
// UTF-8 (RFC 3629) becomes U+FFFD, a control character a space.
std::string CleanText(std::string_view text, size_t bytes_max);

}  // namespace narralytica::media
