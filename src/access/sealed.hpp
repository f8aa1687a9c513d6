// Text that is kept but can be read only with a passphrase that is kept nowhere.
//
// For answers that hold a secret and must be given again to whoever repeats the request (an
// idempotent one): the passphrase is the caller's own credential. XSalsa20-Poly1305 (libsodium's
// secretbox) under the BLAKE2b hash of the passphrase; a credential has 160 random bits, so that no
// slow hash is needed.
#pragma once

#include <string>
#include <string_view>

#include "base/environment.hpp"
#include "base/result.hpp"

namespace narralytica::access {

// Hexadecimal text.
std::string Seal(std::string_view text, std::string_view passphrase, Random& random);
// kDenied for another passphrase, and for what Seal did not make.
Result<std::string> Unseal(std::string_view sealed, std::string_view passphrase);

}  // namespace narralytica::access
