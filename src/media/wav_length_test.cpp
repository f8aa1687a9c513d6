#include "media/wav_length.hpp"

#include <fcntl.h>

#include <gmock/gmock.h>
#include "media/media_samples.hpp"

namespace narralytica::media {
namespace {

class WavLengthTest : public testing::Test {
 protected:
  std::optional<int64_t> Stated(const std::string& content, int64_t base = 0) const {
    const std::string path = folder_.path() + "/a.wav";
    WriteAll(path, content);
    const platform::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return StatedWavMs(file.get(), base);
  }
  platform::TemporaryFolder folder_ =
      platform::TemporaryFolder::Create(testing::TempDir(), "wav").value();
};

TEST_F(WavLengthTest, IsWhatTheHeaderSays) {
  const std::vector<int16_t> second(16'000);
  EXPECT_EQ(Stated(Wav(second)), 1'000);
  EXPECT_EQ(Stated(Wav(second, {.stated_bytes = 57'600'000})), 1'800'000);
  EXPECT_EQ(Stated("NRLOBJ1\n" + Wav(second, {.channels = 2, .sample_rate = 8'000}), 8), 1'000);
}

TEST_F(WavLengthTest, LooksPastOtherChunksOfAnyLength) {
  std::string wav = Wav(std::vector<int16_t>(16'000));
  const std::string note("LIST\x05\0\0\0abcde\0", 14);  // an odd length is padded
  EXPECT_EQ(Stated(wav.insert(36, note)), 1'000);
}

TEST_F(WavLengthTest, IsAbsentWhenNothingIsSaid) {
  const std::vector<int16_t> second(16'000);
  for (const int64_t unknown : {int64_t{0}, int64_t{0x7FFF'FFFF}, int64_t{0xFFFF'FFFF}}) {
    EXPECT_EQ(Stated(Wav(second, {.stated_bytes = unknown})), std::nullopt) << unknown;
  }
  EXPECT_EQ(Stated(Wav(second, {.sample_rate = 0})), std::nullopt);
  EXPECT_EQ(Stated(""), std::nullopt);
  EXPECT_EQ(Stated("RIFF1234WAVE"), std::nullopt);
  EXPECT_EQ(Stated(Wav(second).substr(0, 36)), std::nullopt);
  EXPECT_EQ(Stated("RIFX" + Wav(second).substr(4)), std::nullopt);
  std::string looping = Wav(second);
  looping.replace(16, 4, "\xFF\xFF\xFF\xFF");  // the format chunk is longer than the file
  EXPECT_EQ(Stated(looping), std::nullopt);
}

}  // namespace
}  // namespace narralytica::media
