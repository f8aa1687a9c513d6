#include "index/embedded/crc32c.hpp"

#include <immintrin.h>

#include <array>
#include <cstring>

namespace narralytica::index {
namespace {

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
    table[byte] = crc;
  }
  return table;
}

uint32_t Portable(uint32_t crc, std::span<const uint8_t> bytes) {
  static constexpr std::array<uint32_t, 256> kTable = MakeTable();
  for (const uint8_t byte : bytes) crc = kTable[(crc ^ byte) & 0xFF] ^ (crc >> 8);
  return crc;
}

__attribute__((target("sse4.2"))) uint32_t Hardware(uint32_t crc, std::span<const uint8_t> bytes) {
  uint64_t wide = crc;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; i < bytes.size(); ++i) crc = _mm_crc32_u8(crc, bytes[i]);
  return crc;
}

}  // namespace

uint32_t Crc32c(std::span<const uint8_t> bytes) {
  static const bool hardware = __builtin_cpu_supports("sse4.2") != 0;
  return ~(hardware ? Hardware(~0u, bytes) : Portable(~0u, bytes));
}

uint32_t Crc32c(std::string_view bytes) {
  return Crc32c(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
}

}  // namespace narralytica::index
