#include "api/content.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

#include "base/hash.hpp"

namespace narralytica::api {
namespace {

// Browsers keep it, and ask whether it still holds: what was deleted must not be shown again.
constexpr const char* kPrivate = "private, no-cache";
constexpr size_t kEtagHexDigits = 32;

std::optional<int64_t> Number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || number < 0) {
    return std::nullopt;
  }
  return number;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::unexpected<Error> OutsideOf(int64_t size_bytes) {
  return Fail(Error{ErrorCode::kInvalid,
                    "the range lies outside the file",
                    fmt::format("it has {} bytes", size_bytes),
                    {},
                    "range:Range"});
}

std::string EtagOf(std::string_view sha256) {
  return fmt::format("\"{}\"", sha256.substr(0, kEtagHexDigits));
}

Response NotModified(const std::string& etag) {
  return Response{.status = 304, .headers = {}, .body = {}}
      .With("ETag", etag)
      .With("Cache-Control", kPrivate);
}

}  // namespace

Result<std::optional<ByteRange>> ParseRange(std::string_view header, int64_t size_bytes) {
  constexpr std::string_view kUnit = "bytes=";
  header = Trim(header);
  if (!header.starts_with(kUnit) || header.contains(',')) return std::nullopt;
  const std::string_view spec = Trim(header.substr(kUnit.size()));
  const size_t hyphen = spec.find('-');
  if (hyphen == std::string_view::npos) return std::nullopt;
  const auto first = Number(spec.substr(0, hyphen));
  const auto last = Number(spec.substr(hyphen + 1));
  if (hyphen == 0) {  // the last so many bytes
    if (!last) return std::nullopt;
    if (*last == 0 || size_bytes == 0) return OutsideOf(size_bytes);
    const int64_t bytes = std::min(*last, size_bytes);
    return ByteRange{size_bytes - bytes, bytes};
  }
  if (!first || (!last && hyphen + 1 != spec.size()) || (last && *last < *first)) {
    return std::nullopt;
  }
  if (*first >= size_bytes) return OutsideOf(size_bytes);
  const int64_t end = std::min(last.value_or(size_bytes - 1), size_bytes - 1);
  return ByteRange{*first, end - *first + 1};
}

bool Matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const size_t comma = std::min(if_none_match.find(','), if_none_match.size());
    std::string_view one = Trim(if_none_match.substr(0, comma));
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == etag) return true;
    if_none_match.remove_prefix(std::min(comma + 1, if_none_match.size()));
  }
  return false;
}

Result<Response> StoredResponse(const Request& request, const StoredContent& content) {
  const std::string etag = EtagOf(content.sha256);
  if (Matches(request.Header("if-none-match"), etag)) return NotModified(etag);
  const int64_t size = content.object.bytes;
  std::optional<ByteRange> range;
  const std::string& condition = request.Header("if-range");
  if (content.ranges && request.method == "GET" && (condition.empty() || condition == etag)) {
    auto wanted = ParseRange(request.Header("range"), size);
    if (!wanted) {
      return ErrorResponse(wanted.error(), request.correlation_id)
          .With("Content-Range", fmt::format("bytes */{}", size));
    }
    range = *wanted;
  }
  platform::FileDescriptor file(open(content.object.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Fail(platform::ErrnoError("the file", errno));
  const ByteRange sent = range.value_or(ByteRange{0, size});
  Response response{.status = range ? 206 : 200, .headers = {}, .body = {}};
  response.With("Content-Type", content.content_type)
      .With("ETag", etag)
      .With("Cache-Control", kPrivate);
  if (content.ranges) response.With("Accept-Ranges", "bytes");
  if (range) {
    response.With("Content-Range",
                  fmt::format("bytes {}-{}/{}", sent.first, sent.first + sent.bytes - 1, size));
  }
  response.body = FileBody{std::move(file), content.object.offset_bytes + sent.first, sent.bytes};
  return response;
}

Response TextResponse(const Request& request, std::string text, std::string_view content_type) {
  const std::string etag = EtagOf(Sha256Hex(text));
  if (Matches(request.Header("if-none-match"), etag)) return NotModified(etag);
  Response response{.status = 200, .headers = {}, .body = std::move(text)};
  response.With("Content-Type", std::string(content_type))
      .With("ETag", etag)
      .With("Cache-Control", kPrivate);
  return response;
}

std::string AttachmentDisposition(std::string_view file_name) {
  std::string encoded;
  for (const unsigned char c : file_name) {
    const bool plain = std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
    encoded += plain && c < 0x80 ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return "attachment; filename*=UTF-8''" + encoded;
}

}  // namespace narralytica::api
