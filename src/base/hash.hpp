// SHA-256 (FIPS 180-4), the one content hash of Narralytica, through libsodium.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace narralytica {

// 64 lower-case hexadecimal characters.
std::string Sha256Hex(std::span<const uint8_t> bytes);
std::string Sha256Hex(std::string_view text);

// For content that does not fit in memory. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void Update(std::span<const uint8_t> bytes);
  // Ends the computation; the object may not be used afterwards.
  std::string FinishHex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string ToHex(std::span<const uint8_t> bytes);

}  // namespace narralytica
