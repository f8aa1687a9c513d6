// The arithmetic of sound: quantizing, mixing, resampling, peaks, loudness.
#include <cmath>
#include <limits>
#include <numbers>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include "media/audio_block.hpp"
#include "media/frame_mixer.hpp"
#include "media/loudness.hpp"
#include "media/resampler.hpp"
#include "media/waveform.hpp"

namespace narralytica::media {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(QuantizeTest, IsExactForSixteenBitsAndClips) {
  std::vector<float> samples;
  for (int value = -32'768; value <= 32'767; ++value) {
    samples.push_back(static_cast<float>(value) / 32'768.0F);
  }
  std::vector<int16_t> quantized(samples.size());
  Quantize(samples, quantized.data());
  for (int i = 0; i < 65'536; ++i) ASSERT_EQ(quantized[static_cast<size_t>(i)], i - 32'768);
  const std::vector<float> loud{2.0F, -2.0F};
  Quantize(loud, quantized.data());
  EXPECT_EQ(quantized[0], 32'767);
  EXPECT_EQ(quantized[1], -32'768);
}

AvPtr<AVFrame> FloatFrame(int channels, int samples) {
  AvPtr<AVFrame> frame(av_frame_alloc());
  frame->format = AV_SAMPLE_FMT_FLT;
  frame->nb_samples = samples;
  frame->sample_rate = 16'000;
  av_channel_layout_default(&frame->ch_layout, channels);
  av_frame_get_buffer(frame.get(), 0);
  auto* data = reinterpret_cast<float*>(frame->data[0]);
  for (int i = 0; i < samples * channels; ++i) data[i] = static_cast<float>(i % channels);
  return frame;
}

TEST(MixFrameTest, TwoChannelsStayTwo) {
  AudioBlock block;
  ASSERT_TRUE(MixFrame(*FloatFrame(2, 5), block));
  EXPECT_EQ(block.channels, 2);
  EXPECT_THAT(block.planes[0], Each(0.0F));
  EXPECT_THAT(block.planes[1], Each(1.0F));
}

TEST(MixFrameTest, MoreChannelsBecomeTheirMean) {
  AudioBlock block;
  ASSERT_TRUE(MixFrame(*FloatFrame(5, 3), block));
  EXPECT_EQ(block.channels, 1);
  EXPECT_THAT(block.planes[0], ElementsAre(2.0F, 2.0F, 2.0F));
}

TEST(MixFrameTest, WhatIsNoNumberIsSilence) {
  const AvPtr<AVFrame> frame = FloatFrame(1, 3);
  auto* data = reinterpret_cast<float*>(frame->data[0]);
  data[0] = std::numeric_limits<float>::quiet_NaN();
  data[1] = std::numeric_limits<float>::infinity();
  data[2] = 0.5F;
  AudioBlock block;
  ASSERT_TRUE(MixFrame(*frame, block));
  EXPECT_THAT(block.planes[0], ElementsAre(0.0F, 0.0F, 0.5F));
}

TEST(MixFrameTest, RefusesWhatHasNoSampleFormat) {
  const AvPtr<AVFrame> frame = FloatFrame(1, 3);
  frame->format = AV_SAMPLE_FMT_NONE;
  AudioBlock block;
  EXPECT_FALSE(MixFrame(*frame, block));
}

AudioBlock Stereo(double (*left)(double), double (*right)(double)) {
  AudioBlock block;
  block.Assign(2, 48'000);
  for (size_t i = 0; i < block.samples(); ++i) {
    const double t = static_cast<double>(i) / 48'000 * 2 * std::numbers::pi;
    block.planes[0][i] = static_cast<float>(left(t));
    block.planes[1][i] = static_cast<float>(right(t));
  }
  return block;
}

TEST(ChannelCorrelationTest, TellsEqualOppositeAndUnrelatedChannels) {
  const auto low = [](double t) { return std::sin(300 * t); };
  const auto opposite = [](double t) { return -std::sin(300 * t); };
  const auto high = [](double t) { return std::sin(700 * t); };
  ChannelCorrelation equal, reverse, unrelated, nothing;
  equal.Add(Stereo(low, low));
  reverse.Add(Stereo(low, opposite));
  unrelated.Add(Stereo(low, high));
  EXPECT_NEAR(equal.value().value(), 1, 1e-6);
  EXPECT_NEAR(reverse.value().value(), -1, 1e-6);
  EXPECT_NEAR(unrelated.value().value(), 0, 1e-3);
  EXPECT_FALSE(nothing.value());
}

// An impulse in the middle must stay at its instant, the length must be exact.
TEST(ResamplerTest, KeepsLengthAndPlace) {
  for (const int64_t in_rate : {8'000, 11'025, 16'000, 44'100, 48'000, 96'000}) {
    Result<Resampler> resampler = Resampler::Create(1, in_rate, 16'000);
    ASSERT_TRUE(resampler);
    const size_t in_samples = static_cast<size_t>(in_rate) + 123;
    AudioBlock in, out;
    std::vector<float> all;
    for (size_t at = 0; at < in_samples; at += 1'000) {
      in.Assign(1, std::min<size_t>(1'000, in_samples - at));
      if (at <= in_samples / 2 && in_samples / 2 < at + 1'000)
        in.planes[0][in_samples / 2 - at] = 1;
      ASSERT_TRUE(resampler->Push(in, out));
      all.insert(all.end(), out.planes[0].begin(), out.planes[0].end());
    }
    ASSERT_TRUE(resampler->Flush(out));
    all.insert(all.end(), out.planes[0].begin(), out.planes[0].end());
    const double ratio = 16'000.0 / static_cast<double>(in_rate);
    EXPECT_EQ(all.size(), static_cast<size_t>(std::lround(ratio * static_cast<double>(in_samples))))
        << in_rate;
    const auto peak = std::max_element(all.begin(), all.end()) - all.begin();
    EXPECT_NEAR(static_cast<double>(peak), ratio * static_cast<double>(in_samples / 2), 1.01)
        << in_rate;
  }
}

TEST(WaveformTest, HoldsTheExtremesOfEachBucket) {
  Waveform waveform;
  std::vector<int16_t> samples(2'000, 256);  // 2.5 buckets of 800
  samples[10] = 32'767;
  samples[900] = -32'768;
  waveform.Add(std::span(samples).first(700));
  waveform.Add(std::span(samples).subspan(700));
  const auto document = nlohmann::json::parse(waveform.ToJson());
  EXPECT_EQ(document["bucket_ms"], 50);
  EXPECT_EQ(document["duration_ms"], 125);
  EXPECT_EQ(document["min"], nlohmann::json({1, -128, 1}));
  EXPECT_EQ(document["max"], nlohmann::json({127, 1, 1}));
}

TEST(WaveformTest, LongRecordingsGetWiderBucketsAndLoseNoPeak) {
  Waveform waveform;
  const std::vector<int16_t> second(16'000, 0);
  const std::vector<int16_t> click{32'767};
  waveform.Add(click);
  for (int i = 0; i < 3'600; ++i) waveform.Add(second);
  waveform.Add(click);
  const auto document = nlohmann::json::parse(waveform.ToJson());
  EXPECT_EQ(document["bucket_ms"], 1'600);  // 3,600 s in at most 4,000: 50 ms doubled five times
  const auto peaks = document["max"].get<std::vector<int>>();
  EXPECT_EQ(peaks.size(), 2'251U);
  EXPECT_EQ(peaks.front(), 127);
  EXPECT_EQ(peaks.back(), 127);
  EXPECT_EQ(std::count(peaks.begin(), peaks.end(), 127), 2);
}

TEST(WaveformTest, NothingIsAnEmptyDocument) {
  const auto document = nlohmann::json::parse(Waveform().ToJson());
  EXPECT_EQ(document["duration_ms"], 0);
  EXPECT_TRUE(document["min"].empty());
}

// The recommendation's own calibration: a 997 Hz sine at full scale on one channel is -3.01 LUFS.
TEST(LoudnessTest, MeetsTheCalibrationOfTheRecommendation) {
  Loudness mono(1), stereo(2), silence(1), brief(1);
  AudioBlock block;
  block.Assign(2, 48'000 * 5);
  for (size_t i = 0; i < block.samples(); ++i) {
    const double t = static_cast<double>(i) / 48'000;
    block.planes[0][i] = static_cast<float>(std::sin(2 * std::numbers::pi * 997 * t));
  }
  block.planes[1] = block.planes[0];
  mono.Add(block);
  stereo.Add(block);
  EXPECT_NEAR(mono.Integrated().value(), -3.01, 0.02);
  EXPECT_NEAR(stereo.Integrated().value(), 0.0, 0.02);
  block.Assign(1, 48'000);
  silence.Add(block);
  EXPECT_FALSE(silence.Integrated());
  block.Assign(1, 10'000, 0.5F);
  brief.Add(block);
  EXPECT_FALSE(brief.Integrated());
}

// Pauses between words must not make a recording quieter.
TEST(LoudnessTest, GatesPauses) {
  Loudness loudness(1);
  AudioBlock tone, pause;
  tone.Assign(1, 48'000 * 10);
  for (size_t i = 0; i < tone.samples(); ++i) {
    tone.planes[0][i] = static_cast<float>(0.1 * std::sin(static_cast<double>(i) * 0.13));
  }
  pause.Assign(1, 48'000 * 60);
  Loudness alone(1);
  alone.Add(tone);
  loudness.Add(tone);
  loudness.Add(pause);
  EXPECT_NEAR(loudness.Integrated().value(), alone.Integrated().value(), 0.3);
}

}  // namespace
}  // namespace narralytica::media
