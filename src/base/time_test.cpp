#include "base/time.hpp"

#include <gtest/gtest.h>

namespace narralytica {
namespace {

TEST(Rfc3339, RoundTripsAnInstant) {
  const auto time = ParseRfc3339("2026-11-24T18:40:00.123Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->value, 1795545600123 - 1795545600123 % 1000 + 123);
  EXPECT_EQ(FormatRfc3339(*time), "2026-11-24T18:40:00.123Z");
}

TEST(Rfc3339, ReadsDatesAndOffsets) {
  EXPECT_EQ(FormatRfc3339(*ParseRfc3339("2024-02-29")), "2024-02-29T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(*ParseRfc3339("2024-03-01T00:30:00+01:00")), "2024-02-29T23:30:00.000Z");
  EXPECT_EQ(FormatRfc3339(*ParseRfc3339("1969-12-31T23:59:59.999Z")), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "yesterday", "2026-13-01", "2026-02-30", "2026-01-01T25:00:00Z", "2026-01-01T10:00:00",
        "2026-01-01T10:00:00Zjunk", "2026-1-1", "2026-01-01T10:00:00.Z"}) {
    const auto time = ParseRfc3339(text);
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(time.error().hint.empty());
  }
}

TEST(TimeRange, IsHalfOpen) {
  const TimeRange range{1000, 2000};
  EXPECT_TRUE(range.Contains(1000));
  EXPECT_FALSE(range.Contains(2000));
  EXPECT_FALSE(range.Overlaps({2000, 3000}));
  EXPECT_TRUE(range.Overlaps({1999, 3000}));
}

TEST(Format, OffsetsAndDurationsForPeople) {
  EXPECT_EQ(FormatOffset(0), "0:00");
  EXPECT_EQ(FormatOffset(83'999), "1:23");
  EXPECT_EQ(FormatOffset(3'723'000), "1:02:03");
  EXPECT_EQ(FormatDuration(850), "850 ms");
  EXPECT_EQ(FormatDuration(1'500), "1.5 s");
  EXPECT_EQ(FormatDuration(12'400), "12 s");
  EXPECT_EQ(FormatDuration(200'000), "3 min 20 s");
  EXPECT_EQ(FormatDuration(7'500'000), "2 h 05 min");
}

}  // namespace
}  // namespace narralytica
