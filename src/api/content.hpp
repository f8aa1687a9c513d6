// Content with an ETag, whole or in part (RFC 9110): conditional and range requests.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/http.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::api {

struct ByteRange {
  int64_t first = 0;
  int64_t bytes = 0;
};

// What a Range header asks of content of that size: nullopt for the whole (no header, several
// ranges, another unit). kInvalid (reason "range") when it lies outside.
Result<std::optional<ByteRange>> ParseRange(std::string_view header, int64_t size_bytes);

// Whether an If-None-Match header names the ETag.
bool Matches(std::string_view if_none_match, std::string_view etag);

struct StoredContent {
  platform::LocalObject object;
  std::string sha256;
  std::string content_type;
  bool ranges = false;  // honours Range, and says so
};

// 200, 206, 304 or 416.
Result<Response> StoredResponse(const Request& request, const StoredContent& content);

// 200 or 304 for a text made on the spot.
Response TextResponse(const Request& request, std::string text, std::string_view content_type);

// A value for Content-Disposition that makes browsers save the file under its name.
std::string AttachmentDisposition(std::string_view file_name);

}  // namespace narralytica::api
