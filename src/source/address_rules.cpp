#include "source/address_rules.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace narralytica::source {
namespace {

struct SpecialRange {
  const char* range;
  const char* what;
};

constexpr SpecialRange kSpecial[] = {
    {"0.0.0.0/8", "this network"},
    {"10.0.0.0/8", "a private network"},
    {"100.64.0.0/10", "a carrier's shared network"},
    {"127.0.0.0/8", "the machine itself"},
    {"168.63.129.16/32", "a cloud's own services"},
    {"169.254.0.0/16", "the local link"},
    {"172.16.0.0/12", "a private network"},
    {"192.0.0.0/24", "protocol assignments"},
    {"192.0.2.0/24", "documentation"},
    {"192.31.196.0/24", "AS112"},
    {"192.52.193.0/24", "multicast relays"},
    {"192.88.99.0/24", "6to4 relays"},
    {"192.168.0.0/16", "a private network"},
    {"192.175.48.0/24", "AS112"},
    {"198.18.0.0/15", "benchmarks"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved addresses"},
    {"::/128", "no address"},
    {"::1/128", "the machine itself"},
    {"::ffff:0:0/96", "IPv4 inside IPv6"},
    {"64:ff9b::/96", "IPv4 inside IPv6"},
    {"64:ff9b:1::/48", "IPv4 inside IPv6"},
    {"2001::/23", "protocol assignments"},
    {"2001:db8::/32", "documentation"},
    {"2002::/16", "IPv4 inside IPv6"},
    {"2620:4f:8000::/48", "AS112"},
    {"3fff::/20", "documentation"},
    {"fc00::/7", "a private network"},
    {"fe80::/10", "the local link"},
    {"ff00::/8", "multicast"},
};

struct Special {
  AddressRange range;
  const char* what;
};

const std::vector<Special>& SpecialRanges() {
  static const std::vector<Special> ranges = [] {
    std::vector<Special> parsed;
    for (const SpecialRange& special : kSpecial) {
      parsed.push_back({AddressRange::Parse(special.range).value(), special.what});
    }
    return parsed;
  }();
  return ranges;
}

// What keeps an address from being public; null when nothing does.
const char* WhatIs(const IpAddress& address) {
  for (const Special& special : SpecialRanges()) {
    if (special.range.Contains(address)) return special.what;
  }
  const bool global_unicast = !address.is_v6 || (address.bytes[0] & 0xE0) == 0x20;
  return global_unicast ? nullptr : "reserved addresses";
}

}  // namespace

Result<IpAddress> IpAddress::Parse(const std::string& text) {
  IpAddress address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.is_v6 = true;
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return Fail(ErrorCode::kInvalid, "not an IP address");
}

Result<IpAddress> IpAddress::Of(const sockaddr& address) {
  IpAddress read;
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    std::memcpy(read.bytes.data(), &v4.sin_addr, 4);
    return read;
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof(v6));
    std::memcpy(read.bytes.data(), &v6.sin6_addr, 16);
    read.is_v6 = true;
    return read;
  }
  return Fail(ErrorCode::kInvalid, "an address of another family than IP");
}

std::string IpAddress::Text() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof(text));
  return text;
}

Result<AddressRange> AddressRange::Parse(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  NRL_TRY(const IpAddress first, IpAddress::Parse(text.substr(0, slash)));
  const int bits_max = first.is_v6 ? 128 : 32;
  AddressRange range{first, bits_max};
  if (slash == text.size()) return range;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, range.prefix_bits);
  if (error != std::errc{} || stop != end || range.prefix_bits < 0 ||
      range.prefix_bits > bits_max) {
    return Fail(ErrorCode::kInvalid, fmt::format("the prefix is not from 0 to {}", bits_max));
  }
  return range;
}

bool AddressRange::Contains(const IpAddress& address) const {
  if (address.is_v6 != first.is_v6) return false;
  const auto whole = static_cast<size_t>(prefix_bits) / 8;
  if (!std::equal(first.bytes.begin(), first.bytes.begin() + static_cast<ptrdiff_t>(whole),
                  address.bytes.begin())) {
    return false;
  }
  const int rest = prefix_bits % 8;
  if (rest == 0) return true;
  const int mask = 0xFF << (8 - rest) & 0xFF;
  return (first.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

Status CheckAddress(const IpAddress& address, std::span<const AddressRange> allowed) {
  const char* what = WhatIs(address);
  if (what == nullptr ||
      std::ranges::any_of(allowed, [&](const AddressRange& r) { return r.Contains(address); })) {
    return {};
  }
  return Fail(Error{ErrorCode::kInvalid,
                    fmt::format("the address points to {} ({})", address.Text(), what),
                    "give a public http or https address; an operator can allow a network with"
                    " fetch.allow_private",
                    {},
                    "unsafe_url"});
}

}  // namespace narralytica::source
