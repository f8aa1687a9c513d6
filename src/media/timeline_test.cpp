#include "media/timeline.hpp"

#include <gtest/gtest.h>

namespace narralytica::media {
namespace {

constexpr int64_t kRate = 1'000;  // one sample a millisecond
constexpr int64_t kGapMax = 60'000;

TEST(TimelineTest, FollowsExactTimestamps) {
  Timeline timeline(kRate, kGapMax);
  EXPECT_EQ(timeline.Place(0, 100), 0);
  EXPECT_EQ(timeline.Place(100, 100), 0);
  EXPECT_EQ(timeline.position(), 200);
  EXPECT_EQ(timeline.silence_samples(), 0);
}

TEST(TimelineTest, IgnoresJitterButNotWhatAddsUp) {
  Timeline timeline(kRate, kGapMax);
  timeline.Place(0, 100);
  EXPECT_EQ(timeline.Place(150, 100), 0);
  EXPECT_EQ(timeline.Place(251, 100), 51);
  EXPECT_EQ(timeline.position(), 351);
}

TEST(TimelineTest, FillsGapsWithSilence) {
  Timeline timeline(kRate, kGapMax);
  EXPECT_EQ(timeline.Place(2'000, 100), 2'000);
  EXPECT_EQ(timeline.Place(5'100, 100), 3'000);
  EXPECT_EQ(timeline.position(), 5'200);
  EXPECT_EQ(timeline.silence_samples(), 5'000);
  EXPECT_FALSE(timeline.jumped_forward());
}

TEST(TimelineTest, AppendsAfterASpliceAndStillSeesGapsThere) {
  Timeline timeline(kRate, kGapMax);
  timeline.Place(0, 1'000);
  EXPECT_EQ(timeline.Place(0, 100), 0);  // back to the beginning
  EXPECT_TRUE(timeline.jumped_backward());
  EXPECT_EQ(timeline.Place(100, 100), 0);
  EXPECT_EQ(timeline.Place(700, 100), 500);
  EXPECT_EQ(timeline.position(), 1'800);
}

TEST(TimelineTest, IgnoresAnImplausibleJumpForward) {
  Timeline timeline(kRate, kGapMax);
  timeline.Place(0, 100);
  EXPECT_EQ(timeline.Place(100 + kGapMax + 1, 100), 0);
  EXPECT_TRUE(timeline.jumped_forward());
  EXPECT_EQ(timeline.Place(200 + kGapMax + 1, 100), 0);
  EXPECT_EQ(timeline.position(), 300);
  EXPECT_EQ(timeline.silence_samples(), 0);
}

TEST(TimelineTest, BlocksWithoutTimestampFollowTheLast) {
  Timeline timeline(kRate, kGapMax);
  timeline.Place(0, 100);
  EXPECT_EQ(timeline.Place(std::nullopt, 100), 0);
  EXPECT_EQ(timeline.Place(200, 100), 0);
}

TEST(TimelineTest, ExtremeTimestampsDoNotOverflow) {
  Timeline timeline(kRate, kGapMax);
  for (const int64_t timestamp :
       {Timeline::kTimestampMax, -Timeline::kTimestampMax, Timeline::kTimestampMax}) {
    EXPECT_EQ(timeline.Place(timestamp, 10), 0);
  }
  EXPECT_EQ(timeline.position(), 30);
}

}  // namespace
}  // namespace narralytica::media
