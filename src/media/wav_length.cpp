#include "media/wav_length.hpp"

#include <unistd.h>

#include <cstring>
#include <string_view>

namespace narralytica::media {
namespace {

constexpr int kChunksMax = 64;  // before the sound
constexpr uint32_t kUnknownFrom = 0x7FFF'F000;
constexpr int64_t kByteRateAt = 8;  // in the format chunk

// Little endian, as every machine that Narralytica runs on.
std::optional<uint32_t> NumberAt(int fd, int64_t offset) {
  uint32_t number = 0;
  if (pread(fd, &number, sizeof number, offset) != sizeof number) return std::nullopt;
  return number;
}

bool IsAt(int fd, int64_t offset, std::string_view name) {
  char found[4];
  return pread(fd, found, sizeof found, offset) == sizeof found &&
         std::string_view(found, sizeof found) == name;
}

}  // namespace

std::optional<int64_t> StatedWavMs(int fd, int64_t base) {
  if (!IsAt(fd, base, "RIFF") || !IsAt(fd, base + 8, "WAVE")) return std::nullopt;
  int64_t byte_rate = 0;
  int64_t at = base + 12;
  for (int chunk = 0; chunk < kChunksMax; ++chunk) {
    const std::optional<uint32_t> bytes = NumberAt(fd, at + 4);
    if (!bytes) return std::nullopt;
    if (IsAt(fd, at, "fmt ")) byte_rate = NumberAt(fd, at + 8 + kByteRateAt).value_or(0);
    if (IsAt(fd, at, "data")) {
      if (byte_rate == 0 || *bytes == 0 || *bytes >= kUnknownFrom) return std::nullopt;
      return int64_t{*bytes} * 1'000 / byte_rate;
    }
    at += 8 + int64_t{*bytes} + *bytes % 2;
  }
  return std::nullopt;
}

}  // namespace narralytica::media
