#include "api/http.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/utf8.hpp"

namespace narralytica::api {
namespace {

struct WireError {
  int status;
  std::string_view code;
};

// A reason without the field that it may carry.
std::string_view ReasonOf(const Error& error) {
  return std::string_view(error.reason).substr(0, error.reason.find(':'));
}

std::string FieldOf(const Error& error) {
  const size_t colon = error.reason.find(':');
  return colon == std::string::npos ? std::string() : error.reason.substr(colon + 1);
}

// What a caller can do decides the status; a few reasons say it more exactly than their code.
WireError WireErrorOf(const Error& error) {
  static const std::map<std::string_view, WireError> by_reason{
      {"unauthorized", {401, "unauthorized"}},
      {"missing_field", {400, "missing_field"}},
      {"invalid_field", {400, "invalid_input"}},
      {"idempotency_mismatch", {409, "idempotency_mismatch"}},
      {"payload_too_large", {413, "payload_too_large"}},
      {"media_too_large", {413, "payload_too_large"}},
      {"unsafe_url", {422, "unsafe_url"}},
      {"gone", {410, "resource_not_found"}},
      {"unsupported_media_type", {415, "invalid_input"}},
      {"tus_version", {412, "invalid_input"}},
      {"range", {416, "invalid_input"}}};
  const auto found = by_reason.find(ReasonOf(error));
  if (found != by_reason.end()) return found->second;
  switch (error.code) {
    case ErrorCode::kInvalid:
      return {400, "invalid_input"};
    case ErrorCode::kNotFound:
      return {404, "resource_not_found"};
    case ErrorCode::kConflict:
      return {409, "conflict"};
    case ErrorCode::kDenied:
      return {403, "forbidden"};
    case ErrorCode::kLimited:
      return {429, "rate_limit_exceeded"};
    case ErrorCode::kUnavailable:
    case ErrorCode::kCanceled:
      return {503, "unavailable"};
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
      return {500, "internal_error"};
  }
  return {500, "internal_error"};
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

const std::string& Request::Header(const std::string& lower_case_name) const {
  static const std::string none;
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? none : found->second;
}

std::string Request::Cookie(std::string_view name) const {
  std::string_view rest = Header("cookie");
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view pair = Trim(rest.substr(0, end));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name && equals < pair.size()) {
      return std::string(pair.substr(equals + 1));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

std::string Response::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

int64_t BodyBytes(const Response& response) {
  if (const auto* text = std::get_if<std::string>(&response.body)) return std::ssize(*text);
  if (const auto* shared = std::get_if<SharedText>(&response.body)) return std::ssize(**shared);
  if (const auto* file = std::get_if<FileBody>(&response.body)) return file->bytes;
  return 0;
}

Response JsonResponse(int status, const Json& document) {
  Response response{.status = status, .headers = {}, .body = {}};
  response.With("Content-Type", "application/json");
  response.body = document.dump(-1, ' ', false, Json::error_handler_t::replace);
  return response;
}

Error MissingField(std::string_view field, std::string hint) {
  const std::string name(field);
  return {ErrorCode::kInvalid, name + " is missing", std::move(hint), {}, "missing_field:" + name};
}

Error InvalidField(std::string_view field, std::string message, std::string hint) {
  return {ErrorCode::kInvalid,
          std::move(message),
          std::move(hint),
          {},
          "invalid_field:" + std::string(field)};
}

Response ErrorResponse(const Error& error, const std::string& correlation_id) {
  const WireError wire = WireErrorOf(error);
  return ErrorResponse(HttpError{wire.status, wire.code, error.message, error.hint, FieldOf(error)},
                       correlation_id);
}

Response ErrorResponse(const HttpError& error, const std::string& correlation_id) {
  Json details;
  if (!error.field.empty()) details["field"] = error.field;
  if (!error.hint.empty()) details["hint"] = error.hint;
  Response response = JsonResponse(error.status, {{"error",
                                                   {{"code", error.code},
                                                    {"message", error.message},
                                                    {"details", std::move(details)},
                                                    {"correlation_id", correlation_id}}}});
  if (error.status == 401) response.With("WWW-Authenticate", "Bearer realm=\"narralytica\"");
  if (error.status == 412) response.With("Tus-Version", "1.0.0");
  if (error.status == 503) response.With("Retry-After", "5");
  return response;
}

Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) {
      c = ' ';
    } else if (c == '%') {
      if (text.size() - i < 3) {
        return Fail(ErrorCode::kInvalid, "the address has a broken % escape");
      }
      const int first = HexDigit(text[i + 1]);
      const int second = HexDigit(text[i + 2]);
      if (first < 0 || second < 0) {
        return Fail(ErrorCode::kInvalid, "the address has a broken % escape");
      }
      c = static_cast<char>(first * 16 + second);
      i += 2;
    }
    decoded += c;
  }
  return decoded;
}

Result<Target> ParseTarget(std::string_view target) {
  if (!target.starts_with('/') || std::ranges::any_of(target, IsControl)) {
    return Fail(ErrorCode::kInvalid, "the address is not a path");
  }
  const size_t question = std::min(target.find('?'), target.size());
  Target parsed{std::string(target.substr(0, question)), {}};
  std::string_view rest = target.substr(std::min(question + 1, target.size()));
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    NRL_TRY(std::string name, PercentDecode(pair.substr(0, equals), true));
    NRL_TRY(std::string value, PercentDecode(pair.substr(std::min(equals + 1, pair.size())), true));
    if (!IsUtf8(name) || !IsUtf8(value) || value.contains('\0')) {
      return Fail(ErrorCode::kInvalid, "the address is not UTF-8");
    }
    if (!parsed.query.emplace(name, std::move(value)).second) {
      return Fail(ErrorCode::kInvalid, "the parameter " + name + " is given twice", "give it once");
    }
  }
  return parsed;
}

std::string HttpDate(int64_t unix_seconds) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time_t{unix_seconds}));
}

}  // namespace narralytica::api
