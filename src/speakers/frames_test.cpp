#include "speakers/frames.hpp"

#include <gtest/gtest.h>

namespace narralytica::speakers {
namespace {

constexpr int64_t kHour = 3'600 * kSampleRate;

TEST(Grid, AShortRecordingHasOneWindow) {
  for (const int64_t samples :
       {int64_t{0}, int64_t{1}, int64_t{399}, kSampleRate, kWindowSamples - kFrameSamples}) {
    const Grid grid(samples);
    EXPECT_EQ(grid.windows(), 1) << samples;
    EXPECT_EQ(grid.chunks(), 1) << samples;
    const ChunkPlan plan(grid, 0);
    EXPECT_EQ(plan.first_sample, 0) << samples;
    EXPECT_EQ(plan.last_sample, samples) << samples;
    EXPECT_EQ(plan.last_centre, grid.centres()) << samples;
  }
  EXPECT_EQ(Grid(399).features(), 0);
  EXPECT_EQ(Grid(400).features(), 1);
}

TEST(Grid, EveryFrameIsCoveredByTheWindowsThatLieOverIt) {
  const Grid grid(30 * kSampleRate);
  for (int64_t frame = 0; frame < grid.frames(); ++frame) {
    int64_t covering = 0;
    for (int64_t window = 0; window < grid.windows(); ++window) {
      const int64_t inside = frame - window * kStepFrames;
      covering += inside >= 0 && inside < kWindowFrames ? 1 : 0;
    }
    EXPECT_EQ(grid.Covering(frame), covering) << frame;
    EXPECT_GE(covering, 1) << frame;
  }
}

// Each sliding voice belongs to one chunk, which has all the frames and samples that it needs, and
// knows the activity around it.
TEST(ChunkPlan, ChunksShareTheRecordingOutWithoutAGap) {
  for (const int64_t samples :
       {kHour, kHour + 1, kHour / 3 + 777, 160 * kSampleRate, 170 * kSampleRate}) {
    const Grid grid(samples);
    int64_t window = 0;
    int64_t centre = 0;
    for (int64_t chunk = 0; chunk < grid.chunks(); ++chunk) {
      const ChunkPlan plan(grid, chunk);
      EXPECT_EQ(plan.first_window, window);
      EXPECT_EQ(plan.first_centre, centre);
      window = plan.last_window;
      centre = plan.last_centre;
      ASSERT_GT(plan.last_centre, plan.first_centre);
      const int64_t first = plan.first_centre * kHopVoiceFrames - kHalfVoiceFrames;
      const int64_t last = (plan.last_centre - 1) * kHopVoiceFrames + kHalfVoiceFrames;
      EXPECT_LE(plan.first_voice_frame, std::max<int64_t>(0, first));
      EXPECT_GE(plan.last_voice_frame, std::min(grid.voice_frames(), last + 1));
      EXPECT_GE(FrameOfVoiceFrame(std::max<int64_t>(0, first)), plan.first_frame());
      if (chunk + 1 < grid.chunks()) {
        EXPECT_LT(FrameOfVoiceFrame(last), plan.last_window * kStepFrames)
            << "windows to come would change its activity";
      }
      EXPECT_LE(plan.first_sample, plan.first_window * kStepFrames * kFrameSamples);
      EXPECT_LE(plan.first_sample, plan.first_feature * kFeatureSamples);
    }
    EXPECT_EQ(window, grid.windows());
    EXPECT_EQ(centre, grid.centres());
  }
}

TEST(Clocks, AFrameAndItsSlidingVoiceAreNearEachOther) {
  const Grid grid(kHour);
  for (int64_t frame = 10; frame < grid.frames() - 20; frame += 37) {
    const int64_t centre = CentreOfFrame(frame, grid) * kHopVoiceFrames;
    EXPECT_LE(std::abs(FrameOfVoiceFrame(centre) - frame), 6) << frame;
  }
}

}  // namespace
}  // namespace narralytica::speakers
