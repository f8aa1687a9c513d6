#include "base/result.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace narralytica {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 9> kNames{{
    {ErrorCode::kInvalid, "invalid"},
    {ErrorCode::kNotFound, "not_found"},
    {ErrorCode::kConflict, "conflict"},
    {ErrorCode::kDenied, "denied"},
    {ErrorCode::kLimited, "limited"},
    {ErrorCode::kUnavailable, "unavailable"},
    {ErrorCode::kCorrupt, "corrupt"},
    {ErrorCode::kCanceled, "canceled"},
    {ErrorCode::kInternal, "internal"},
}};

}  // namespace

std::string_view ToString(ErrorCode code) {
  for (const auto& [value, name] : kNames) {
    if (value == code) return name;
  }
  return "internal";
}

std::optional<ErrorCode> ErrorCodeFromString(std::string_view text) {
  for (const auto& [value, name] : kNames) {
    if (name == text) return value;
  }
  return std::nullopt;
}

std::string Error::Describe() const { return hint.empty() ? message : message + " (" + hint + ")"; }

void AssertFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "assertion failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace narralytica
