// Structured logs: one JSON object a line on stderr, every line of one piece of work with the same
// `trace` (the correlation id of the error envelope).
//
//   log.With("job", id).Info("stage done", {{"took_ms", 812}});
//
// Levels: error needs a person, warn may, info is what happened, debug is how. Transcript text,
// secrets and media names stay out. A Logger is cheap to copy and thread-safe.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace narralytica::platform {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

class LogSink;

class Logger {
 public:
  using Fields = nlohmann::ordered_json;

  // Writes to stderr. `process` is the command's name ("work").
  static Logger ToStderr(std::string_view process, LogLevel level);
  // Appends to a file; on failure to open it kUnavailable.
  static Result<Logger> ToFile(std::string_view process, LogLevel level, const std::string& path);

  // A logger whose every line also carries this field.
  Logger With(std::string_view name, std::string_view value) const;

  void Debug(std::string_view message, const Fields& fields = {}) const;
  void Info(std::string_view message, const Fields& fields = {}) const;
  void Warn(std::string_view message, const Fields& fields = {}) const;
  void Error(std::string_view message, const Fields& fields = {}) const;
  // The error with its private cause; for the edge where it is handled.
  void Error(std::string_view message, const narralytica::Error& error) const;

 private:
  Logger(std::shared_ptr<LogSink> sink, Fields context)
      : sink_(std::move(sink)), context_(std::move(context)) {}
  void Write(LogLevel level, std::string_view message, const Fields& fields) const;
  std::shared_ptr<LogSink> sink_;
  Fields context_;
};

Result<LogLevel> ParseLogLevel(std::string_view text);

}  // namespace narralytica::platform
