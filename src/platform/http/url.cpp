#include "platform/http/url.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/utf8.hpp"

namespace narralytica::platform {
namespace {

constexpr unsigned kSetFlags = CURLU_NON_SUPPORT_SCHEME;

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, FreeUrl>;

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

Result<UrlHandle> Read(const std::string& text) {
  UrlHandle url(curl_url());
  NRL_ASSERT(url != nullptr);
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), kSetFlags);
  // A NUL would hide the rest from libcurl.
  if (code != CURLUE_OK || text.contains('\0')) {
    return Fail(ErrorCode::kInvalid, "this is not a whole URL",
                "write it as https://host/path, with special characters percent-encoded",
                code == CURLUE_OK ? "NUL" : curl_url_strerror(code));
  }
  return url;
}

// Whether the URL that was written out is read as the same host: libcurl decodes "%324" to "24",
// and reads "24" as the address 0.0.0.24.
bool ReadsTheSame(CURLU* url, const std::string& host) {
  const auto again = Read(Part(url, CURLUPART_URL));
  return again && Part(again->get(), CURLUPART_HOST) == host;
}

// In lower case, without the brackets of IPv6. What libcurl decoded to something that no name can
// be written with again, or to another host, is refused.
Result<std::string> Host(CURLU* url) {
  std::string host = Part(url, CURLUPART_HOST);
  const bool same = ReadsTheSame(url, host);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const bool plain = std::ranges::none_of(
      host, [](char c) { return (c >= '\0' && c <= ' ') || c == '\x7f' || c == '%'; });
  if (!same || !plain || !IsUtf8(host)) {
    return Fail(ErrorCode::kInvalid, "no host has such a name",
                "write the host's name as it is registered, without percent-encoding");
  }
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return host;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

Result<Url> ParseUrl(const std::string& text) {
  NRL_TRY(const UrlHandle url, Read(text));
  Url parsed;
  parsed.text = Part(url.get(), CURLUPART_URL);
  parsed.scheme = Part(url.get(), CURLUPART_SCHEME);
  parsed.has_user_info = !Part(url.get(), CURLUPART_USER).empty() ||
                         !Part(url.get(), CURLUPART_PASSWORD).empty() ||
                         !Part(url.get(), CURLUPART_OPTIONS).empty();
  NRL_TRY(parsed.host, Host(url.get()));
  const std::string port = Part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), parsed.port);
  parsed.path = Part(url.get(), CURLUPART_PATH);
  return parsed;
}

Result<std::string> ResolveUrl(const std::string& base, const std::string& reference) {
  NRL_TRY(const UrlHandle url, Read(base));
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), kSetFlags);
  if (code != CURLUE_OK || reference.contains('\0')) {
    return Fail(ErrorCode::kInvalid, "this is not a URL, whole or relative", {},
                curl_url_strerror(code));
  }
  NRL_CHECK(Host(url.get()));
  return Part(url.get(), CURLUPART_URL);
}

std::string DecodeUrlPart(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool whole = text[i] == '%' && text.size() - i > 2 && HexDigit(text[i + 1]) >= 0 &&
                       HexDigit(text[i + 2]) >= 0;
    if (!whole) {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
    i += 2;
  }
  return decoded;
}

std::optional<UtcMs> ParseInternetDate(const std::string& text) {
  const time_t seconds = curl_getdate(text.c_str(), nullptr);
  if (seconds == -1) return std::nullopt;
  return UtcMs{static_cast<int64_t>(seconds) * 1'000};
}

}  // namespace narralytica::platform
