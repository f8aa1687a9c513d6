// What the child does, run in this process (so that leaks and undefined behaviour are seen), on
// the recordings of samples/media and on WAV files made to order.
#include "media/operations.hpp"

#include <fcntl.h>

#include <algorithm>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include "media/media_error.hpp"
#include "media/media_samples.hpp"
#include "media/waveform.hpp"

namespace narralytica::media {
namespace {

using platform::FileDescriptor;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

struct Outputs {
  Prepared prepared;
  std::string audio;
  std::string playback;
  std::string waveform;
};

class OperationsTest : public testing::Test {
 protected:
  OperationsTest()
      : folder_(platform::TemporaryFolder::Create(testing::TempDir(), "media").value()) {}

  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string Write(const std::string& name, const std::string& content) const {
    WriteAll(Path(name), content);
    return Path(name);
  }
  static FileDescriptor ForReading(const std::string& path) {
    return FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  FileDescriptor ForWriting(const std::string& name) const {
    return FileDescriptor(open(Path(name).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  }

  Result<MediaInfo> Probe(const std::string& path) const {
    return ProbeMedia(ForReading(path).get(), limits_);
  }

  Result<Outputs> Prepare(const std::string& path) const {
    const FileDescriptor input = ForReading(path);
    const FileDescriptor audio = ForWriting("audio.flac");
    const FileDescriptor playback = ForWriting("playback.webm");
    const FileDescriptor waveform = ForWriting("waveform.json");
    NRL_TRY(Prepared prepared,
            PrepareAudio({input.get(), audio.get(), playback.get(), waveform.get()}, limits_,
                         [](double fraction) {
                           EXPECT_GE(fraction, 0);
                           EXPECT_LE(fraction, 1);
                         }));
    return Outputs{std::move(prepared), ReadAll(Path("audio.flac")), ReadAll(Path("playback.webm")),
                   ReadAll(Path("waveform.json"))};
  }

  std::string Reason(const std::string& path) const {
    const Result<Outputs> outputs = Prepare(path);
    return outputs ? "ok" : outputs.error().reason;
  }

  Result<std::vector<int16_t>> Pcm(const std::string& path, TimeRange range, bool own_flac) const {
    const FileDescriptor input = ForReading(path);
    const FileDescriptor output = ForWriting("pcm");
    NRL_TRY(const int64_t samples,
            DecodePcm({input.get(), output.get(), range, own_flac}, limits_));
    const std::string bytes = ReadAll(Path("pcm"));
    std::vector<int16_t> pcm(bytes.size() / 2);
    if (!pcm.empty()) std::memcpy(pcm.data(), bytes.data(), pcm.size() * 2);
    EXPECT_EQ(std::ssize(pcm), samples);
    return pcm;
  }
  // The sound of the audio.flac of the last Prepare.
  std::vector<int16_t> PreparedPcm(TimeRange range = {0, 3'600'000}) const {
    return Pcm(Path("audio.flac"), range, true).value();
  }

  Result<Poster> MakePosterOf(const std::string& path) const {
    return MakePoster(ForReading(path).get(), ForWriting("poster.jpg").get(), limits_);
  }

  MediaLimits limits_;
  platform::TemporaryFolder folder_;
};

constexpr int kOpusFrameMs = 20;

int Loudest(std::span<const int16_t> samples) {
  int loudest = 0;
  for (const int16_t sample : samples) loudest = std::max(loudest, std::abs(int{sample}));
  return loudest;
}

TEST_F(OperationsTest, ProbeTellsWhatAVideoIs) {
  const MediaInfo info = Probe(Sample("speech.mp4")).value();
  EXPECT_THAT(info.container, testing::StartsWith("mov"));
  EXPECT_EQ(info.bytes, std::ssize(ReadAll(Sample("speech.mp4"))));
  EXPECT_EQ(info.declared_duration_ms, 6'000);
  EXPECT_EQ(info.title, "Inaugural address");
  EXPECT_EQ(info.date, "1961-01-20");
  ASSERT_EQ(info.streams.size(), 2U);
  EXPECT_EQ(info.streams[0].kind, StreamKind::kVideo);
  EXPECT_EQ(info.streams[0].codec, "h264");
  EXPECT_EQ(info.streams[0].width, 320);
  EXPECT_EQ(info.streams[0].height, 180);
  EXPECT_EQ(info.streams[0].frame_rate, 15);
  EXPECT_EQ(info.streams[1].codec, "aac");
  EXPECT_EQ(info.streams[1].channels, 2);
  EXPECT_EQ(info.streams[1].sample_rate, 44'100);
  EXPECT_EQ(info.audio_stream, 1);
  EXPECT_EQ(info.video_stream, 0);
}

TEST_F(OperationsTest, ProbePrefersTheDefaultTrackAndReadsChapters) {
  const MediaInfo info = Probe(Sample("two_tracks.mkv")).value();
  EXPECT_EQ(info.audio_stream, 1);
  EXPECT_EQ(info.streams[0].language, "eng");
  EXPECT_EQ(info.streams[1].language, "deu");
  EXPECT_THAT(info.chapters, ElementsAre(Chapter{{0, 1'200}, "First part"},
                                         Chapter{{1'200, 2'000}, "Zweiter Teil"}));
}

TEST_F(OperationsTest, ProbeKnowsCoverPicturesAndRotation) {
  const MediaInfo cover = Probe(Sample("cover.mp3")).value();
  EXPECT_EQ(cover.streams[1].kind, StreamKind::kCover);
  EXPECT_EQ(cover.video_stream, 1);
  const MediaInfo rotated = Probe(Sample("rotated.mp4")).value();
  EXPECT_EQ(rotated.streams[0].rotation_degrees, 270);
  const MediaInfo silent = Probe(Sample("video_only.mp4")).value();
  EXPECT_FALSE(silent.audio_stream);
}

TEST_F(OperationsTest, SixteenKilohertzMonoPassesThroughBitForBit) {
  const std::vector<int16_t> tone = Tone(440, 16'000, 50'001);
  const Outputs outputs = Prepare(Write("tone.wav", Wav(tone))).value();
  EXPECT_EQ(outputs.prepared.samples, 50'001);
  EXPECT_THAT(outputs.prepared.warnings, IsEmpty());
  EXPECT_FALSE(outputs.prepared.channel_correlation);
  EXPECT_EQ(PreparedPcm(), tone);
}

TEST_F(OperationsTest, ChannelsAreMixedByTheirMean) {
  std::vector<int16_t> samples;
  for (const int16_t value : Tone(300, 16'000, 8'000)) {
    for (int channel = 0; channel < 8; ++channel) {
      samples.push_back(static_cast<int16_t>(channel == 5 ? value : 0));
    }
  }
  Prepare(Write("eight.wav", Wav(samples, {.channels = 8}))).value();
  const std::vector<int16_t> mono = PreparedPcm();
  ASSERT_EQ(mono.size(), 8'000U);
  EXPECT_NEAR(Loudest(mono), 16'384 / 8, 2);
}

TEST_F(OperationsTest, LengthIsExactAtAnyRate) {
  for (const int rate : {8'000, 11'025, 22'050, 44'100, 48'000}) {
    const std::vector<int16_t> tone = Tone(440, rate, 33'333);
    const Outputs outputs = Prepare(Write("tone.wav", Wav(tone, {.sample_rate = rate}))).value();
    EXPECT_EQ(outputs.prepared.samples, (33'333 * 16'000LL + rate / 2) / rate) << rate;
    EXPECT_EQ(std::ssize(PreparedPcm()), outputs.prepared.samples) << rate;
  }
}

TEST_F(OperationsTest, SameRecordingSameBytes) {
  for (const char* name : {"speech.mp4", "speech.mp3"}) {
    const Outputs first = Prepare(Sample(name)).value();
    const Outputs second = Prepare(Sample(name)).value();
    EXPECT_EQ(first.audio, second.audio) << name;
    EXPECT_EQ(first.playback, second.playback) << name;
    EXPECT_EQ(first.waveform, second.waveform) << name;
  }
}

TEST_F(OperationsTest, EveryCommonKindIsPrepared) {
  for (const auto& [name, duration_ms] :
       std::initializer_list<std::pair<const char*, int64_t>>{{"speech.mp4", 6'000},
                                                              {"speech.mp3", 6'000},
                                                              {"speech.opus", 6'000},
                                                              {"speech.ogg", 6'000},
                                                              {"av1.webm", 2'000},
                                                              {"cover.mp3", 2'000}}) {
    const Result<Outputs> outputs = Prepare(Sample(name));
    ASSERT_TRUE(outputs) << name << ": " << outputs.error().cause;
    EXPECT_NEAR(static_cast<double>(outputs->prepared.samples), duration_ms * 16.0, 65 * 16)
        << name;
    EXPECT_THAT(outputs->prepared.warnings, IsEmpty()) << name;
    EXPECT_GT(Loudest(PreparedPcm()), 5'000) << name;
  }
}

TEST_F(OperationsTest, AVideoGivesAllRenditions) {
  const Outputs outputs = Prepare(Sample("speech.mp4")).value();
  EXPECT_GE(outputs.prepared.samples, 96'000);
  EXPECT_LT(outputs.prepared.samples, 96'000 + kAacFrame);
  EXPECT_NEAR(outputs.prepared.channel_correlation.value(), 1, 1e-3);
  EXPECT_NEAR(outputs.prepared.loudness_lufs.value(), -14.0, 0.1);  // as ffmpeg's ebur128 says
  const MediaInfo playback = Probe(Path("playback.webm")).value();
  EXPECT_EQ(playback.container, "matroska,webm");
  EXPECT_EQ(playback.streams.at(0).codec, "opus");
  EXPECT_EQ(playback.streams.at(0).channels, 2);
  EXPECT_NEAR(static_cast<double>(playback.declared_duration_ms.value()),
              outputs.prepared.samples / 16.0, 2 * kOpusFrameMs);
  const auto waveform = nlohmann::json::parse(outputs.waveform);
  const int64_t duration_ms = waveform["duration_ms"];
  EXPECT_NEAR(duration_ms, outputs.prepared.samples / 16.0, 1);
  EXPECT_EQ(std::ssize(waveform["min"]), (duration_ms + 49) / 50);
}

// Clicks in the playback rendition must be heard where the FLAC has them.
TEST_F(OperationsTest, PlaybackAndAudioShareOneClock) {
  Prepare(Sample("speech.mp4")).value();
  const std::vector<int16_t> audio = PreparedPcm();
  const std::vector<int16_t> playback = Pcm(Path("playback.webm"), {0, 60'000}, false).value();
  EXPECT_NEAR(static_cast<double>(playback.size()), static_cast<double>(audio.size()), 320);
  double best = 0;
  int best_lag = -1'000;
  for (int lag = -400; lag <= 400; ++lag) {
    double product = 0;
    for (size_t i = 16'000; i < 80'000; ++i) {
      product +=
          static_cast<double>(audio[i]) * playback[static_cast<size_t>(static_cast<int>(i) + lag)];
    }
    if (product > best) best_lag = lag;
    best = std::max(best, product);
  }
  EXPECT_LE(std::abs(best_lag), 4);
}

TEST_F(OperationsTest, SoundThatStartsLateStaysLate) {
  const Outputs outputs = Prepare(Sample("late_audio.mp4")).value();
  EXPECT_THAT(outputs.prepared.warnings, ElementsAre("silence_inserted"));
  EXPECT_NEAR(static_cast<double>(outputs.prepared.samples), 8'000 * 16, kAacFrame);
  EXPECT_THAT(PreparedPcm({0, 1'970}), Each(0));
  EXPECT_GT(Loudest(PreparedPcm({2'000, 3'000})), 5'000);
}

TEST_F(OperationsTest, GapsBecomeSilence) {
  const Outputs outputs = Prepare(Sample("gap.mkv")).value();
  EXPECT_THAT(outputs.prepared.warnings, ElementsAre("silence_inserted"));
  EXPECT_NEAR(static_cast<double>(outputs.prepared.samples), 4'000 * 16, 16 * 20);
  EXPECT_THAT(PreparedPcm({1'100, 2'900}), Each(0));
  EXPECT_GT(Loudest(PreparedPcm({3'100, 4'000})), 1'000);
}

TEST_F(OperationsTest, SplicedRecordingsAreJoined) {
  const Outputs outputs = Prepare(Sample("spliced.ts")).value();
  EXPECT_THAT(outputs.prepared.warnings, Contains("timestamps_jump_backward"));
  // Without an edit list the encoder's priming and padding stay: up to two frames a recording.
  EXPECT_NEAR(static_cast<double>(outputs.prepared.samples), 4'000 * 16, 4 * 1'024);
}

TEST_F(OperationsTest, TheRateMayChangeInTheMiddle) {
  const Outputs outputs = Prepare(Sample("rate_change.mp3")).value();
  EXPECT_NEAR(static_cast<double>(outputs.prepared.samples), 4'000 * 16, 16 * 200);
  EXPECT_GT(Loudest(PreparedPcm({3'000, 4'000})), 1'000);
}

TEST_F(OperationsTest, HeadersThatLieAboutTheLengthAreNotBelieved) {
  const std::vector<int16_t> tone = Tone(440, 16'000, 32'000);
  const std::string more = Write("more.wav", Wav(tone, {.stated_bytes = 64'000'000}));
  const Outputs longer = Prepare(more).value();
  EXPECT_EQ(longer.prepared.samples, 32'000);
  EXPECT_THAT(longer.prepared.warnings, ElementsAre("truncated"));
  const std::string endless = Write("endless.wav", Wav(tone, {.stated_bytes = 0xFFFFFFFF}));
  const Outputs streamed = Prepare(endless).value();
  EXPECT_EQ(streamed.prepared.samples, 32'000);
  EXPECT_THAT(streamed.prepared.warnings, IsEmpty());
}

TEST_F(OperationsTest, WhatIsLeftOfATruncatedFileIsPrepared) {
  const Outputs outputs = Prepare(Sample("truncated.mp4")).value();
  EXPECT_THAT(outputs.prepared.warnings, Contains("truncated"));
  EXPECT_GT(outputs.prepared.samples, 2'000 * 16);
  EXPECT_LT(outputs.prepared.samples, 5'000 * 16);
}

TEST_F(OperationsTest, RefusesWithAReasonFromTheList) {
  EXPECT_EQ(Reason(Sample("video_only.mp4")), "media_no_audio");
  EXPECT_EQ(Reason(Sample("encrypted.mp4")), "media_encrypted");
  EXPECT_EQ(Reason(Sample("no_index.mp4")), "media_unreadable");
  EXPECT_EQ(Reason(Write("zero.mp4", "")), "media_empty");
  EXPECT_EQ(Reason(Write("text.mp4", std::string(5'000, 'a') + "\n")), "media_unreadable");
  EXPECT_EQ(Reason(Write("noise.mp3",
                         [] {
                           std::string noise(50'000, '\0');
                           uint32_t state = 1;
                           for (char& byte : noise)
                             byte = static_cast<char>((state = state * 1'664'525 + 7) >> 24);
                           return noise;
                         }())),
            "media_unreadable");
  EXPECT_EQ(Reason(Write("header.wav", Wav({}))), "media_empty");
}

// None of them may make the child open what they name.
TEST_F(OperationsTest, RefusesFilesThatNameOtherFiles) {
  EXPECT_EQ(Reason(Write("list.m3u8",
                         "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n"
                         "/etc/passwd\n#EXT-X-ENDLIST\n")),
            "media_unreadable");
  EXPECT_EQ(Reason(Write("list.ffconcat", "ffconcat version 1.0\nfile /etc/passwd\n")),
            "media_unreadable");
  EXPECT_EQ(Reason(Write("session.sdp",
                         "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\n"
                         "t=0 0\nm=audio 5004 RTP/AVP 0\n")),
            "media_unreadable");
  EXPECT_EQ(Reason(Write("list.mpd",
                         "<?xml version=\"1.0\"?><MPD type=\"static\"><Period>"
                         "<BaseURL>file:///etc/passwd</BaseURL></Period></MPD>")),
            "media_unreadable");
}

TEST_F(OperationsTest, EnforcesItsLimits) {
  const std::string tone = Write("tone.wav", Wav(Tone(440, 16'000, 48'000)));
  limits_.decoded_duration_ms_max = 2'999;
  EXPECT_EQ(Reason(tone), "media_too_long");
  limits_ = {};
  limits_.streams_max = 1;
  EXPECT_EQ(Reason(Sample("two_tracks.mkv")), "media_too_many_streams");
  limits_ = {};
  limits_.channels_max = 1;
  EXPECT_EQ(Reason(Sample("two_tracks.mkv")), "media_too_many_channels");
  limits_ = {};
  limits_.sample_rate_min = 20'000;
  EXPECT_EQ(Reason(tone), "media_bad_sample_rate");
  limits_ = {};
  limits_.frame_pixels_max = 320 * 180 - 1;
  EXPECT_EQ(Reason(Sample("speech.mp4")), "media_too_large_frame");
  limits_ = {};
  limits_.input_bytes_max = 1'000;
  EXPECT_EQ(Reason(tone), "media_too_large");
  limits_ = {};
  limits_.output_bytes_max = 10'000;
  EXPECT_EQ(Reason(Sample("speech.mp4")), "media_output_too_large");
  limits_ = {};
  limits_.cpu_seconds_base = 0;
  limits_.cpu_seconds_per_hour = 0;
  EXPECT_EQ(Reason(Sample("speech.mp4")), "media_resource");
}

TEST_F(OperationsTest, PcmOfARangeIsThatPartOfTheWhole) {
  const std::vector<int16_t> tone = Tone(97.3, 16'000, 16'000 * 40);
  Prepare(Write("tone.wav", Wav(tone))).value();
  for (const TimeRange range : std::initializer_list<TimeRange>{{0, 1},
                                                                {0, 1'000},
                                                                {999, 4'321},
                                                                {17'003, 17'104},
                                                                {30'000, 40'000},
                                                                {39'999, 99'000},
                                                                {50'000, 60'000},
                                                                {5'000, 5'000}}) {
    const auto begin = std::min<int64_t>(range.start_ms * 16, std::ssize(tone));
    const auto end = std::min<int64_t>(range.end_ms * 16, std::ssize(tone));
    EXPECT_EQ(PreparedPcm(range), std::vector(tone.begin() + begin, tone.begin() + end))
        << range.start_ms;
  }
}

TEST_F(OperationsTest, DamageInOurOwnFileIsFound) {
  const Outputs outputs = Prepare(Write("tone.wav", Wav(Tone(441, 16'000, 160'000)))).value();
  std::string flipped = outputs.audio;
  flipped[flipped.size() / 2] ^= 0x10;
  const std::string shortened = outputs.audio.substr(0, outputs.audio.size() * 3 / 4);
  for (const std::string& bytes : {flipped, shortened, std::string("fLaC")}) {
    const auto pcm = Pcm(Write("damaged.flac", bytes), {0, 10'000}, true);
    ASSERT_FALSE(pcm);
    EXPECT_EQ(pcm.error().code, ErrorCode::kCorrupt) << pcm.error().cause;
  }
  EXPECT_FALSE(Pcm(Sample("speech.mp3"), {0, 1'000}, true));
  EXPECT_TRUE(Pcm(Sample("speech.mp3"), {0, 1'000}, false));
}

struct JpegSize {
  int width = 0;
  int height = 0;
};

JpegSize SizeOf(const std::string& jpeg) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(jpeg.at(at)); };
  size_t at = 2;
  while (byte(at + 1) != 0xC0) at += 2 + static_cast<size_t>(byte(at + 2) << 8 | byte(at + 3));
  return {byte(at + 7) << 8 | byte(at + 8), byte(at + 5) << 8 | byte(at + 6)};
}

TEST_F(OperationsTest, PosterIsAnUprightPictureThatIsNotBlank) {
  for (const auto& [name, width, height] :
       std::initializer_list<std::tuple<const char*, int, int>>{{"speech.mp4", 320, 180},
                                                                {"video_only.mp4", 320, 180},
                                                                {"rotated.mp4", 90, 160},
                                                                {"cover.mp3", 200, 200},
                                                                {"av1.webm", 64, 36}}) {
    const Result<Poster> poster = MakePosterOf(Sample(name));
    ASSERT_TRUE(poster) << name << ": " << poster.error().cause;
    const std::string jpeg = ReadAll(Path("poster.jpg"));
    EXPECT_EQ(poster->width, width) << name;
    EXPECT_EQ(SizeOf(jpeg).width, width) << name;
    EXPECT_EQ(SizeOf(jpeg).height, height) << name;
    EXPECT_GT(jpeg.size(), 1'000U) << name;  // a blank picture of this size is smaller
    ASSERT_TRUE(MakePosterOf(Sample(name)));
    EXPECT_EQ(ReadAll(Path("poster.jpg")), jpeg) << name;
  }
}

TEST_F(OperationsTest, NoPosterWithoutPictures) {
  EXPECT_FALSE(MakePosterOf(Sample("speech.mp3")));
  EXPECT_EQ(ReadAll(Path("poster.jpg")), "");
}

}  // namespace
}  // namespace narralytica::media
