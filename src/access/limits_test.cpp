#include "access/limits.hpp"

#include <gtest/gtest.h>

namespace narralytica::access {
namespace {

constexpr int64_t kSecondMs = 1'000;

TEST(Limits, ABucketEmptiesAndFillsAgain) {
  FakeClock clock{UtcMs{0}};
  Limits limits(clock);
  const Limit limit{"read", 60, 60};
  for (int left = 59; left >= 0; --left) {
    const LimitState state = limits.Take(limit, "a");
    EXPECT_TRUE(state.allowed);
    EXPECT_EQ(state.remaining, left);
  }
  const LimitState refused = limits.Take(limit, "a");
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_s, 1);
  EXPECT_EQ(refused.reset_s, 60);
  clock.Advance(kSecondMs);
  EXPECT_TRUE(limits.Take(limit, "a").allowed);
  EXPECT_FALSE(limits.Take(limit, "a").allowed);
  clock.Advance(60 * kSecondMs);
  EXPECT_EQ(limits.Take(limit, "a").remaining, 59);
}

TEST(Limits, CallersAndLimitsAreCountedApart) {
  FakeClock clock{UtcMs{0}};
  Limits limits(clock);
  EXPECT_TRUE(limits.Take({"read", 1, 60}, "a").allowed);
  EXPECT_FALSE(limits.Take({"read", 1, 60}, "a").allowed);
  EXPECT_TRUE(limits.Take({"read", 1, 60}, "b").allowed);
  EXPECT_TRUE(limits.Take({"write", 1, 60}, "a").allowed);
}

TEST(Limits, SteppingTheCalendarChangesNothing) {
  FakeClock clock{UtcMs{1'700'000'000'000}};
  Limits limits(clock);
  EXPECT_TRUE(limits.Take({"read", 1, 60}, "a").allowed);
  EXPECT_FALSE(limits.Take({"read", 1, 60}, "a").allowed);
}

}  // namespace
}  // namespace narralytica::access
