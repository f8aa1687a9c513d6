#include "base/hash.hpp"

#include <sodium.h>

#include <array>

namespace narralytica {
namespace {

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::string ToHex(std::span<const uint8_t> bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 15]);
  }
  return text;
}

std::string Sha256Hex(std::span<const uint8_t> bytes) {
  std::array<uint8_t, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256(digest.data(), bytes.data(), bytes.size());
  return ToHex(digest);
}

std::string Sha256Hex(std::string_view text) { return Sha256Hex(AsBytes(text)); }

struct Sha256::State {
  crypto_hash_sha256_state sodium;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { crypto_hash_sha256_init(&state_->sodium); }

Sha256::~Sha256() = default;

void Sha256::Update(std::span<const uint8_t> bytes) {
  crypto_hash_sha256_update(&state_->sodium, bytes.data(), bytes.size());
}

std::string Sha256::FinishHex() {
  std::array<uint8_t, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256_final(&state_->sodium, digest.data());
  return ToHex(digest);
}

}  // namespace narralytica
