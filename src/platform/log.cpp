#include "platform/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/environment.hpp"

namespace narralytica::platform {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

std::string_view Name(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warn", "error", "off"};
  return kNames[static_cast<size_t>(level)];
}

}  // namespace

class LogSink {
 public:
  LogSink(LogLevel level, std::shared_ptr<spdlog::sinks::sink> sink)
      : logger_("narralytica", std::move(sink)) {
    logger_.set_pattern("%v");
    logger_.set_level(ToSpdlog(level));
    logger_.flush_on(spdlog::level::debug);
  }
  bool Wants(LogLevel level) const { return logger_.should_log(ToSpdlog(level)); }
  void Write(LogLevel level, const std::string& line) { logger_.log(ToSpdlog(level), line); }

 private:
  spdlog::logger logger_;
};

Logger Logger::ToStderr(std::string_view process, LogLevel level) {
  return {std::make_shared<LogSink>(level, std::make_shared<spdlog::sinks::stderr_sink_mt>()),
          Fields{{"process", process}}};
}

Result<Logger> Logger::ToFile(std::string_view process, LogLevel level, const std::string& path) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    return Logger(std::make_shared<LogSink>(level, std::move(sink)), Fields{{"process", process}});
  } catch (const spdlog::spdlog_ex& exception) {
    return Fail(ErrorCode::kUnavailable, "the log file cannot be opened",
                "check the permissions of the data folder", exception.what());
  }
}

Logger Logger::With(std::string_view name, std::string_view value) const {
  Logger child = *this;
  child.context_[std::string(name)] = value;
  return child;
}

void Logger::Debug(std::string_view message, const Fields& fields) const {
  Write(LogLevel::kDebug, message, fields);
}
void Logger::Info(std::string_view message, const Fields& fields) const {
  Write(LogLevel::kInfo, message, fields);
}
void Logger::Warn(std::string_view message, const Fields& fields) const {
  Write(LogLevel::kWarn, message, fields);
}
void Logger::Error(std::string_view message, const Fields& fields) const {
  Write(LogLevel::kError, message, fields);
}

void Logger::Error(std::string_view message, const narralytica::Error& error) const {
  Error(message, {{"code", ToString(error.code)},
                  {"error", error.message},
                  {"reason", error.reason},
                  {"cause", error.cause}});
}

void Logger::Write(LogLevel level, std::string_view message, const Fields& fields) const {
  if (!sink_->Wants(level)) return;
  Fields line{{"time", FormatRfc3339(SystemEnvironment().clock.Now())},
              {"level", Name(level)},
              {"message", message}};
  line.update(context_);
  if (!fields.is_null()) line.update(fields);
  sink_->Write(level, line.dump(-1, ' ', false, Fields::error_handler_t::replace));
}

Result<LogLevel> ParseLogLevel(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(LogLevel::kOff); ++i) {
    if (Name(static_cast<LogLevel>(i)) == text) return static_cast<LogLevel>(i);
  }
  return Fail(ErrorCode::kInvalid, "'" + std::string(text.substr(0, 40)) + "' is not a log level",
              "choose debug, info, warn, error or off");
}

}  // namespace narralytica::platform
