#include "speakers/voice_chunk.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "speakers/voice_pooling.hpp"

namespace narralytica::speakers {
namespace {

Voice RandomVoice(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Voice voice;
  for (float& value : voice) value = normal(random);
  Normalise(voice);
  return voice;
}

VoiceChunk SomeChunk() {
  VoiceChunk chunk;
  chunk.windows.resize(2);
  chunk.windows[1][2] = {RandomVoice(1), 2.5f};
  chunk.tracks.resize(2 * kWindowFrames * kTracks, 7);
  chunk.sliding.push_back({PackedVoice::Of(RandomVoice(2)), 0.75f});
  const size_t frames = kBehindFrames + 2 * kStepFrames + kSharedFrames;
  chunk.activity = {std::vector<float>(frames, 1.5f), std::vector<float>(frames, 0.5f)};
  return chunk;
}

TEST(PackedVoice, KeepsCosines) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    const Voice a = RandomVoice(seed), b = RandomVoice(seed + 100);
    EXPECT_NEAR(PackedVoice::Of(a).Dot(b), Dot(a, b), 0.005) << seed;
    EXPECT_NEAR(PackedVoice::Of(a).Dot(a), 1, 0.005) << seed;
  }
  EXPECT_TRUE(PackedVoice::Of(Voice{}).empty());
}

TEST(VoiceChunk, ComesBackAsItWas) {
  const VoiceChunk chunk = SomeChunk();
  const auto bytes = PackVoiceChunk(chunk);
  const auto back = UnpackVoiceChunk(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(PackVoiceChunk(*back), bytes);
  EXPECT_EQ(back->windows[1][2].clean_s, 2.5f);
  EXPECT_EQ(back->sliding.size(), 1U);
}

TEST(VoiceChunk, CutOrStrangeBytesAreRefused) {
  const auto bytes = PackVoiceChunk(SomeChunk());
  for (size_t size = 0; size < bytes.size(); size += 97) {
    const auto read = UnpackVoiceChunk(std::span(bytes).first(size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
  auto longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(UnpackVoiceChunk(longer));
  auto strange = bytes;
  strange[0] ^= 1;
  EXPECT_FALSE(UnpackVoiceChunk(strange));
  auto huge = bytes;
  huge[11] = 0xff;  // of the number of windows
  EXPECT_FALSE(UnpackVoiceChunk(huge));
}

TEST(VoiceRequest, MustFitItsRecording) {
  const Grid grid(20 * kSampleRate);
  const ChunkPlan plan(grid, 0);
  VoiceRequest request;
  request.recording_samples = grid.samples();
  request.carried = {std::vector<float>(kCarriedFrames), std::vector<float>(kCarriedFrames)};
  request.samples.resize(size_t(plan.last_sample - plan.first_sample), 3);
  ASSERT_TRUE(UnpackVoiceRequest(PackVoiceRequest(request)));
  VoiceRequest other = request;
  other.chunk = 1;
  EXPECT_FALSE(UnpackVoiceRequest(PackVoiceRequest(other)));
  other = request;
  other.samples.pop_back();
  EXPECT_FALSE(UnpackVoiceRequest(PackVoiceRequest(other)));
  other = request;
  other.recording_samples = INT64_MAX;
  EXPECT_FALSE(UnpackVoiceRequest(PackVoiceRequest(other)));
  other = request;
  other.carried.alone.clear();
  EXPECT_FALSE(UnpackVoiceRequest(PackVoiceRequest(other)));
}

}  // namespace
}  // namespace narralytica::speakers
