// UTF-8 (RFC 3629), as far as everybody needs it.
#pragma once

#include <cstddef>
#include <string_view>

namespace narralytica {

// Bytes of the well-formed sequence at the front of a text that is not empty; 0 when there is none:
// overlong forms, surrogates and what is beyond U+10FFFF are not well-formed.
size_t Utf8SequenceBytes(std::string_view text);

bool IsUtf8(std::string_view text);

}  // namespace narralytica
