#include "transcript/windows.hpp"

#include <gmock/gmock.h>

#include <random>

namespace narralytica::transcript {
namespace {

using testing::ElementsAre;

std::vector<TimeRange> Ranges(const std::vector<SpeechWindow>& windows) {
  std::vector<TimeRange> ranges;
  for (const SpeechWindow& window : windows) ranges.push_back(window.range);
  return ranges;
}

std::vector<SpeechWindow> Pack(const std::vector<TimeRange>& speech) {
  WindowPacker packer;
  std::vector<SpeechWindow> windows = packer.Push(speech);
  for (SpeechWindow& window : packer.Finish()) windows.push_back(std::move(window));
  return windows;
}

TEST(WindowPacker, JoinsNearSpeechAndSeparatesAtLongPauses) {
  EXPECT_THAT(Ranges(Pack({{0, 4'000}, {5'000, 8'000}, {12'000, 14'000}})),
              ElementsAre(TimeRange{0, 8'000}, TimeRange{12'000, 14'000}));
}

TEST(WindowPacker, CutsAtTheLongestGoodPause) {
  // Four stretches of which not all fit: the pause of 500 ms is the best of those past 10 s.
  const auto windows =
      Pack({{0, 6'000}, {6'100, 11'000}, {11'500, 16'000}, {16'100, 19'000}, {19'200, 24'000}});
  EXPECT_THAT(Ranges(windows), ElementsAre(TimeRange{0, 11'000}, TimeRange{11'500, 24'000}));
  EXPECT_EQ(windows.front().speech.size(), 2U);
}

TEST(WindowPacker, NothingIsLostAndBoundariesDoNotDependOnHowItArrives) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    std::vector<TimeRange> speech;
    int64_t at = 0;
    for (int i = 0; i < 100; ++i) {
      at += static_cast<int64_t>(random() % 5'000);
      const auto length = static_cast<int64_t>(250 + random() % 19'000);
      speech.push_back({at, at + length});
      at += length;
    }
    const auto whole = Pack(speech);
    WindowPacker packer;
    std::vector<SpeechWindow> pieces;
    for (size_t i = 0; i < speech.size(); ++i) {
      for (auto& window : packer.Push({speech[i]})) pieces.push_back(std::move(window));
    }
    for (auto& window : packer.Finish()) pieces.push_back(std::move(window));
    EXPECT_EQ(Ranges(pieces), Ranges(whole)) << "seed " << seed;
    std::vector<TimeRange> held;
    for (const SpeechWindow& window : whole) {
      EXPECT_LE(window.range.duration_ms(), 20'000) << "seed " << seed;
      held.insert(held.end(), window.speech.begin(), window.speech.end());
    }
    EXPECT_EQ(held, speech) << "seed " << seed;
  }
}

}  // namespace
}  // namespace narralytica::transcript
