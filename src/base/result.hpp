// Result<T> and Error: the one way a Narralytica function fails.
//
// An ErrorCode says what the *caller* can do, not what went wrong inside. Two tables elsewhere
// depend on it: api maps code -> HTTP status, jobs maps code -> job outcome.
//
//   Result<Video> video = Find(id);
//   if (!video) return Fail(video);             // hand the error on
//   NRL_TRY(auto bytes, store.Get(video->key)); // the same in one line
//
// `message` and `hint` are public: lower case, name the thing, never contain SQL, paths of the
// server, stack traces or secrets; `hint` says what to do next. `cause` is private and is logged
// once, at the edge, with the correlation id.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace narralytica {

enum class ErrorCode {
  kInvalid,      // the input is wrong; the same call will never succeed
  kNotFound,     // the thing named does not exist (for this tenant)
  kConflict,     // somebody else got there first, or a stale lease epoch; re-read, then decide
  kDenied,       // the caller may not do this
  kLimited,      // a named maximum was reached; fewer, smaller or later
  kUnavailable,  // a dependency is down or slow; retry with backoff
  kCorrupt,      // stored data does not match its checksum or its invariant
  kCanceled,     // the caller, or a stop, asked for the end
  kInternal,     // a defect of ours
};

// The wire spelling: "invalid", "not_found", ...
std::string_view ToString(ErrorCode code);
std::optional<ErrorCode> ErrorCodeFromString(std::string_view text);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string hint;
  std::string cause;
  // A stable reason from a closed list of the module that made it ("media_no_audio"); may be empty.
  std::string reason;

  // One line for people: "message (hint)".
  std::string Describe() const;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> Fail(ErrorCode code, std::string message, std::string hint = {},
                                   std::string cause = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(hint), std::move(cause), {}});
}
inline std::unexpected<Error> Fail(Error error) { return std::unexpected(std::move(error)); }
template <typename T>
std::unexpected<Error> Fail(const std::expected<T, Error>& failed) {
  return std::unexpected(failed.error());
}

// Asserts a programmer's assumption; stays on in release, prints where and aborts.
#define NRL_ASSERT(condition) \
  ((condition) ? void(0) : ::narralytica::AssertFailed(#condition, __FILE__, __LINE__))
[[noreturn]] void AssertFailed(const char* condition, const char* file, int line);

#define NRL_CONCAT_INNER(a, b) a##b
#define NRL_CONCAT(a, b) NRL_CONCAT_INNER(a, b)
#define NRL_TRY_INNER(temporary, declaration, ...)                      \
  auto temporary = (__VA_ARGS__);                                       \
  if (!temporary) return std::unexpected(std::move(temporary).error()); \
  declaration = std::move(*temporary)

// NRL_TRY(auto x, F()) declares x with the value of F(), or returns F()'s error.
#define NRL_TRY(declaration, ...) \
  NRL_TRY_INNER(NRL_CONCAT(nrl_try_, __LINE__), declaration, __VA_ARGS__)

// NRL_CHECK(F()) returns F()'s error, or goes on.
#define NRL_CHECK(...)                                       \
  do {                                                       \
    if (auto nrl_status = (__VA_ARGS__); !nrl_status)        \
      return std::unexpected(std::move(nrl_status).error()); \
  } while (false)

}  // namespace narralytica
