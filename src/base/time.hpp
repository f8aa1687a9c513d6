// Time as Narralytica stores it: UTC instants and media offsets, both integer milliseconds.
//
// The two never mix: `UtcMs` is a point on the calendar, `TimeRange` a half-open stretch
// [start_ms, end_ms) of a recording, counted from its beginning.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace narralytica {

struct UtcMs {
  int64_t value = 0;  // milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored
  auto operator<=>(const UtcMs&) const = default;
};

// RFC 3339 with milliseconds: "2026-11-24T18:40:00.123Z".
std::string FormatRfc3339(UtcMs time);
// Accepts a date ("2026-11-24", midnight UTC) or an RFC 3339 instant with Z or an offset.
// kInvalid with a hint otherwise.
Result<UtcMs> ParseRfc3339(std::string_view text);

struct TimeRange {
  int64_t start_ms = 0;
  int64_t end_ms = 0;  // exclusive; never before start_ms

  auto operator<=>(const TimeRange&) const = default;
  int64_t duration_ms() const { return end_ms - start_ms; }
  bool Contains(int64_t offset_ms) const { return offset_ms >= start_ms && offset_ms < end_ms; }
  bool Overlaps(const TimeRange& other) const {
    return start_ms < other.end_ms && other.start_ms < end_ms;
  }
};

// A media offset for people: "1:02:03" or "2:03" (whole seconds, rounded down).
std::string FormatOffset(int64_t offset_ms);
// A duration for people: "850 ms", "12 s", "3 min 20 s", "2 h 05 min".
std::string FormatDuration(int64_t duration_ms);

}  // namespace narralytica
