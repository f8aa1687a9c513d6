// URLs and dates as the HTTP client reads them: through libcurl, so that whoever judges a URL
// before it is fetched and whoever fetches it cannot read it differently.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace narralytica::platform {

struct Url {
  std::string text;    // the whole, in its normal form
  std::string scheme;  // lower case: "http", "https", "ftp"
  bool has_user_info = false;
  // Lower case, IPv6 without brackets. IPv4 written in any of its odd ways ("0x7f.1",
  // "017700000001", "2130706433") is here in its usual one.
  std::string host;
  int port = 0;      // the scheme's own when none is given; 0 when that is unknown
  std::string path;  // percent-encoded, without query and fragment
};

// An absolute URL; kInvalid otherwise. Any scheme is read: judging it is the caller's.
Result<Url> ParseUrl(const std::string& text);
// `reference`, absolute or relative, as seen from the document at `base` (RFC 3986, section 5).
Result<std::string> ResolveUrl(const std::string& base, const std::string& reference);

// "%C3%A4" → "ä"; broken escapes stay as they are.
std::string DecodeUrlPart(std::string_view text);

// The dates of HTTP headers and of RSS (RFC 9110, RFC 822 and what is written instead of them).
std::optional<UtcMs> ParseInternetDate(const std::string& text);

}  // namespace narralytica::platform
