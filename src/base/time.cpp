#include "base/time.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

namespace narralytica {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;

Error BadTime(std::string_view text) {
  return {ErrorCode::kInvalid,
          fmt::format("'{}' is not a date or time", text.substr(0, 40)),
          "write 2026-11-24 or 2026-11-24T18:40:00Z",
          {},
          {}};
}

// Reads exactly `width` digits at `*at`; -1 when there are none such.
int ReadDigits(std::string_view text, size_t* at, int width) {
  int value = 0;
  for (int i = 0; i < width; ++i, ++*at) {
    if (*at >= text.size() || text[*at] < '0' || text[*at] > '9') return -1;
    value = value * 10 + (text[*at] - '0');
  }
  return value;
}

bool ReadChar(std::string_view text, size_t* at, char expected) {
  if (*at >= text.size() || text[*at] != expected) return false;
  ++*at;
  return true;
}

struct TimeOfDay {
  int64_t offset_ms = 0;
  bool ok = false;
};

// "18:40:00[.123](Z|+01:00)" from `at` to the end of `text`, as milliseconds to add to midnight
// UTC.
TimeOfDay ReadTimeOfDay(std::string_view text, size_t at) {
  const int hour = ReadDigits(text, &at, 2);
  if (!ReadChar(text, &at, ':')) return {};
  const int minute = ReadDigits(text, &at, 2);
  if (!ReadChar(text, &at, ':')) return {};
  const int second = ReadDigits(text, &at, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return {};
  int64_t fraction_ms = 0;
  if (ReadChar(text, &at, '.')) {
    int scale = 100;
    const size_t first = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
      fraction_ms += scale * (text[at] - '0');
    }
    if (at == first) return {};
  }
  int64_t zone_ms = 0;
  if (!ReadChar(text, &at, 'Z')) {
    const int sign = ReadChar(text, &at, '+') ? 1 : (ReadChar(text, &at, '-') ? -1 : 0);
    const int zone_hour = ReadDigits(text, &at, 2);
    if (sign == 0 || !ReadChar(text, &at, ':')) return {};
    const int zone_minute = ReadDigits(text, &at, 2);
    if (zone_hour < 0 || zone_hour > 23 || zone_minute < 0 || zone_minute > 59) return {};
    zone_ms = sign * (zone_hour * kHourMs + zone_minute * kMinuteMs);
  }
  if (at != text.size()) return {};
  return {hour * kHourMs + minute * kMinuteMs + second * 1000 + fraction_ms - zone_ms, true};
}

}  // namespace

std::string FormatRfc3339(UtcMs time) {
  const sys_time<milliseconds> point{milliseconds{time.value}};
  const auto midnight = std::chrono::floor<days>(point);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss clock{point - midnight};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Result<UtcMs> ParseRfc3339(std::string_view text) {
  size_t at = 0;
  const int year = ReadDigits(text, &at, 4);
  const bool dash1 = ReadChar(text, &at, '-');
  const int month = ReadDigits(text, &at, 2);
  const bool dash2 = ReadChar(text, &at, '-');
  const int day = ReadDigits(text, &at, 2);
  if (year < 0 || month < 0 || day < 0 || !dash1 || !dash2) return Fail(BadTime(text));
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return Fail(BadTime(text));
  const int64_t midnight_ms =
      std::chrono::duration_cast<milliseconds>(sys_days{date}.time_since_epoch()).count();
  if (at == text.size()) return UtcMs{midnight_ms};
  if (text[at] != 'T' && text[at] != ' ') return Fail(BadTime(text));
  const TimeOfDay of_day = ReadTimeOfDay(text, at + 1);
  if (!of_day.ok) return Fail(BadTime(text));
  return UtcMs{midnight_ms + of_day.offset_ms};
}

std::string FormatOffset(int64_t offset_ms) {
  const int64_t seconds = offset_ms / 1000;
  if (seconds >= 3600) {
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string FormatDuration(int64_t duration_ms) {
  if (duration_ms < 1000) return fmt::format("{} ms", duration_ms);
  if (duration_ms < 10'000) return fmt::format("{:.1f} s", static_cast<double>(duration_ms) / 1000);
  const int64_t seconds = (duration_ms + 500) / 1000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace narralytica
