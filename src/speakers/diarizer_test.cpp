#include "speakers/diarizer.hpp"

#include <gtest/gtest.h>

#include <map>

#include "speakers/scripted_hearing.hpp"

namespace narralytica::speakers {
namespace {

constexpr int64_t kSeconds = 400;  // three chunks

// Two who take turns of ten seconds.
unsigned TwoInTurn(double seconds) { return 1U << (int(seconds / 10) % 2); }

class Silence final : public transcript::PcmReader {
 public:
  int64_t sample_count() const override { return kSeconds * kSampleRate; }
  Result<std::vector<int16_t>> Read(int64_t start, size_t count) override {
    EXPECT_LE(start + int64_t(count), sample_count());
    return std::vector<int16_t>(count);
  }
};

// Hears the script whatever the sound is, until it is told to fail.
class Listener final : public VoiceListener {
 public:
  Result<VoiceModelInfo> Describe(const Deadline&) override { return VoiceModelInfo{"m", "hash"}; }
  Result<VoiceChunk> Hear(const VoiceRequest& request, const Deadline&) override {
    EXPECT_TRUE(UnpackVoiceRequest(PackVoiceRequest(request))) << "samples of another plan";
    heard.push_back(request.chunk);
    if (std::ssize(heard) > fails_after) return Fail(ErrorCode::kUnavailable, "the engine died");
    return HearScript(Grid(request.recording_samples), request.chunk, request.carried, TwoInTurn);
  }

  std::vector<int64_t> heard;
  int64_t fails_after = 1'000;
};

DiarizeOptions KeepingIn(std::map<int64_t, VoiceChunk>& kept) {
  DiarizeOptions options;
  options.heard_before = [&kept](int64_t chunk) -> std::optional<VoiceChunk> {
    const auto found = kept.find(chunk);
    return found == kept.end() ? std::nullopt : std::optional(found->second);
  };
  options.chunk_done = [&kept](int64_t chunk, const VoiceChunk& heard) -> Status {
    kept[chunk] = heard;
    return {};
  };
  return options;
}

TEST(Diarize, GoesOnWhereAnAttemptBrokeOffWithTheSameTurns) {
  Silence silence;
  Listener steady;
  const auto whole = Diarize(silence, steady, {}, Deadline::Never());
  ASSERT_TRUE(whole);
  EXPECT_EQ(steady.heard, (std::vector<int64_t>{0, 1, 2}));
  ASSERT_EQ(whole->speakers.size(), 2U);
  EXPECT_EQ(whole->turns.size(), 40U);
  EXPECT_NEAR(double(whole->speakers[0].speech_ms), 200'000, 2'000);

  std::map<int64_t, VoiceChunk> kept;
  const DiarizeOptions options = KeepingIn(kept);
  Listener breaking;
  breaking.fails_after = 2;
  const auto broken = Diarize(silence, breaking, options, Deadline::Never());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kUnavailable);
  Listener next;
  const auto resumed = Diarize(silence, next, options, Deadline::Never());
  ASSERT_TRUE(resumed);
  EXPECT_EQ(next.heard, std::vector<int64_t>{2}) << "what is kept is not heard again";
  EXPECT_EQ(ToRttm("r", resumed->turns, {"a", "b"}), ToRttm("r", whole->turns, {"a", "b"}));
}

TEST(Diarize, ProgressOnlyGrowsAndAStopEndsIt) {
  Silence silence;
  Listener listener;
  DiarizeOptions options;
  std::vector<double> told;
  std::stop_source stop;
  options.progress = [&](double fraction) {
    told.push_back(fraction);
    if (fraction > 0.5) stop.request_stop();
  };
  ASSERT_TRUE(Diarize(silence, listener, options, Deadline::Never()));
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), 1);
  const auto stopped = Diarize(silence, listener, {}, Deadline::Never(stop.get_token()));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCanceled);
}

TEST(Diarize, TheSettingsHashSaysWhatTheTurnsDependOn) {
  const std::string usual = DiarizeSettingsHash({});
  DiarizeOptions other;
  other.count.most = 4;
  EXPECT_NE(DiarizeSettingsHash(other), usual);
  other = {};
  other.turns.joined_gap_ms = 500;
  EXPECT_NE(DiarizeSettingsHash(other), usual);
}

}  // namespace
}  // namespace narralytica::speakers
