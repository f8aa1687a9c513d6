// CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum of the embedded index's files, fast
// enough to check a gigabyte of vectors when it is first mapped.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace narralytica::index {

uint32_t Crc32c(std::span<const uint8_t> bytes);
uint32_t Crc32c(std::string_view bytes);

}  // namespace narralytica::index
