// Which addresses a fetch may be connected to: public unicast ones, and ranges that the
// configuration allows beside them.
//
// Judged is the address of the socket, after all name resolution, so no spelling and no DNS answer
// gets around it. What is not public: the special-purpose registries of IANA (RFC 6890 and its
// updates) and, of IPv6, everything outside 2000::/3 and everything that carries an IPv4 address
// inside (mapped, compatible, NAT64, 6to4, Teredo), which a relay would turn into any address.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct sockaddr;

namespace narralytica::source {

// An address of either family. IPv4 has the first four bytes.
struct IpAddress {
  bool is_v6 = false;
  std::array<uint8_t, 16> bytes{};

  // Usual spellings only ("10.0.0.1", "fe80::1"); kInvalid otherwise.
  static Result<IpAddress> Parse(const std::string& text);
  // kInvalid for another family.
  static Result<IpAddress> Of(const sockaddr& address);
  std::string Text() const;
};

struct AddressRange {
  IpAddress first;
  int prefix_bits = 0;

  // "10.0.0.0/8", or one address.
  static Result<AddressRange> Parse(const std::string& text);
  bool Contains(const IpAddress& address) const;
};

// Ok for a public address or one inside `allowed`; kInvalid with reason "unsafe_url" otherwise.
Status CheckAddress(const IpAddress& address, std::span<const AddressRange> allowed);

}  // namespace narralytica::source
