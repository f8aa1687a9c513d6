#include "access/sealed.hpp"

#include <sodium.h>

#include <array>
#include <vector>

#include "base/hash.hpp"

namespace narralytica::access {
namespace {

using Secret = std::array<uint8_t, crypto_secretbox_KEYBYTES>;

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

Secret SecretOf(std::string_view passphrase) {
  Secret secret;
  crypto_generichash(secret.data(), secret.size(), Bytes(passphrase), passphrase.size(), nullptr,
                     0);
  return secret;
}

}  // namespace

std::string Seal(std::string_view text, std::string_view passphrase, Random& random) {
  std::vector<uint8_t> sealed(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES +
                              text.size());
  random.Fill({sealed.data(), crypto_secretbox_NONCEBYTES});
  const Secret secret = SecretOf(passphrase);
  crypto_secretbox_easy(sealed.data() + crypto_secretbox_NONCEBYTES, Bytes(text), text.size(),
                        sealed.data(), secret.data());
  return ToHex(sealed);
}

Result<std::string> Unseal(std::string_view sealed, std::string_view passphrase) {
  constexpr size_t kOverhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  std::vector<uint8_t> bytes(sealed.size() / 2 + 1);  // never without an address
  size_t length = 0;
  const bool is_hex = sodium_hex2bin(bytes.data(), bytes.size(), sealed.data(), sealed.size(),
                                     nullptr, &length, nullptr) == 0;
  if (is_hex && length >= kOverhead) {
    std::string text(length - kOverhead, '\0');
    const Secret secret = SecretOf(passphrase);
    const uint8_t* box = bytes.data() + crypto_secretbox_NONCEBYTES;
    if (crypto_secretbox_open_easy(reinterpret_cast<uint8_t*>(text.data()), box,
                                   length - crypto_secretbox_NONCEBYTES, bytes.data(),
                                   secret.data()) == 0) {
      return text;
    }
  }
  return Fail(ErrorCode::kDenied, "this was sealed for somebody else");
}

}  // namespace narralytica::access
