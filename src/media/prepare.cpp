#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "media/audio_encoder.hpp"
#include "media/audio_reader.hpp"
#include "media/loudness.hpp"
#include "media/media_error.hpp"
#include "media/media_warning.hpp"
#include "media/operations.hpp"
#include "media/wav_length.hpp"
#include "media/waveform.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

constexpr int64_t kAudioRate = Waveform::kSampleRate;
constexpr int64_t kPlaybackRate = Loudness::kSampleRate;
constexpr int64_t kProgressSamples = 1 << 19;

// Everything that is made from the sound, fed block by block in one pass.
class Renditions {
 public:
  static Result<Renditions> Create(const AudioReader& reader, const PrepareFds& fds,
                                   const MediaLimits& limits);
  Status Add(const AudioBlock& block);
  Status Finish(int waveform_fd);
  int64_t samples() const { return audio_->samples(); }
  std::optional<double> loudness_lufs() const { return loudness_.Integrated(); }

 private:
  Renditions(Resampler to_audio, Resampler to_playback, int channels)
      : to_audio_(std::move(to_audio)), to_playback_(std::move(to_playback)), loudness_(channels) {}
  Status WriteAudio(const AudioBlock& block);
  Status WritePlayback(const AudioBlock& block);

  Resampler to_audio_;
  Resampler to_playback_;
  std::unique_ptr<AudioEncoder> audio_;
  std::unique_ptr<AudioEncoder> playback_;
  Waveform waveform_;
  Loudness loudness_;
  AudioBlock mono_;
  AudioBlock converted_;
  std::vector<int16_t> quantized_;
};

Result<Renditions> Renditions::Create(const AudioReader& reader, const PrepareFds& fds,
                                      const MediaLimits& limits) {
  const int channels = reader.channels();
  NRL_TRY(Resampler to_audio, Resampler::Create(1, reader.sample_rate(), kAudioRate));
  NRL_TRY(Resampler to_playback, Resampler::Create(channels, reader.sample_rate(), kPlaybackRate));
  Renditions all(std::move(to_audio), std::move(to_playback), channels);
  NRL_TRY(all.audio_, AudioEncoder::OpenFlac(fds.audio, limits.output_bytes_max));
  NRL_TRY(all.playback_, AudioEncoder::OpenOpus(fds.playback, limits.output_bytes_max, channels));
  return all;
}

Status Renditions::Add(const AudioBlock& block) {
  MixToMono(block, mono_.planes[0]);
  NRL_CHECK(to_audio_.Push(mono_, converted_));
  NRL_CHECK(WriteAudio(converted_));
  NRL_CHECK(to_playback_.Push(block, converted_));
  return WritePlayback(converted_);
}

Status Renditions::WriteAudio(const AudioBlock& block) {
  quantized_.resize(block.samples());
  Quantize(block.planes[0], quantized_.data());
  waveform_.Add(quantized_);
  return audio_->Write(block);
}

Status Renditions::WritePlayback(const AudioBlock& block) {
  loudness_.Add(block);
  return playback_->Write(block);
}

Status Renditions::Finish(int waveform_fd) {
  NRL_CHECK(to_audio_.Flush(converted_));
  NRL_CHECK(WriteAudio(converted_));
  NRL_CHECK(to_playback_.Flush(converted_));
  NRL_CHECK(WritePlayback(converted_));
  NRL_CHECK(audio_->Finish());
  NRL_CHECK(playback_->Finish());
  const std::string document = waveform_.ToJson();
  const ssize_t wrote = pwrite(waveform_fd, document.data(), document.size(), 0);
  if (std::cmp_equal(wrote, document.size())) return {};
  return Fail(platform::ErrnoError("the waveform", wrote < 0 ? errno : ENOSPC));
}

// The end that the container states for the chosen audio stream, in ms of playback, when the
// statement is about that stream: not for containers that only know the length of the whole.
std::optional<int64_t> StatedEndMs(Input& input, int fd) {
  const MediaInfo& info = input.info();
  if (info.container == "wav") {
    if (const auto stated_ms = StatedWavMs(fd, lseek(fd, 0, SEEK_CUR))) return stated_ms;
  }
  const AVStream& stream = *input.stream(*info.audio_stream);
  const bool whole_only = info.container.starts_with("matroska") && info.video_stream;
  if (info.declared_is_estimate || whole_only || stream.duration == AV_NOPTS_VALUE) {
    return std::nullopt;
  }
  const AVRational ms{1, 1'000};
  const int64_t origin_us = std::max<int64_t>(input.format()->start_time, 0);
  const int64_t start_ms =
      stream.start_time == AV_NOPTS_VALUE
          ? 0
          : av_rescale_q(stream.start_time, stream.time_base, ms) - av_rescale(origin_us, 1, 1'000);
  return std::max<int64_t>(start_ms, 0) + av_rescale_q(stream.duration, stream.time_base, ms);
}

std::vector<std::string> Warnings(Input& input, const AudioReader& reader, int fd,
                                  int64_t decoded_ms) {
  std::vector<std::string> warnings;
  const std::optional<int64_t> stated_ms = StatedEndMs(input, fd);
  const int64_t slack_ms = std::max<int64_t>(1'000, decoded_ms / 50);
  const bool shorter = stated_ms && *stated_ms > decoded_ms + slack_ms;
  if (shorter || input.damaged()) warnings.emplace_back(kTruncated);
  if (stated_ms && *stated_ms < decoded_ms - slack_ms) {
    warnings.emplace_back(kLongerThanDeclared);
  }
  if (reader.corrupt_packets() > 0) warnings.emplace_back(kCorruptPackets);
  if (reader.timeline().silence_samples() > 0) warnings.emplace_back(kSilenceInserted);
  if (reader.timeline().jumped_forward()) warnings.emplace_back(kTimestampsJumpForward);
  if (reader.timeline().jumped_backward()) warnings.emplace_back(kTimestampsJumpBackward);
  return warnings;
}

}  // namespace

Result<MediaInfo> ProbeMedia(int input_fd, const MediaLimits& limits) {
  const Budget budget(limits);
  NRL_TRY(const auto input, Input::Open(input_fd, limits, budget));
  return input->info();
}

Result<Prepared> PrepareAudio(const PrepareFds& fds, const MediaLimits& limits,
                              const ProgressFn& progress) {
  Budget budget(limits);
  NRL_TRY(const auto input, Input::Open(fds.input, limits, budget));
  NRL_TRY(const auto reader, AudioReader::Open(*input, limits, budget));
  NRL_TRY(Renditions renditions, Renditions::Create(*reader, fds, limits));
  AudioBlock block;
  int64_t report_at = 0;
  while (true) {
    NRL_TRY(const bool got, reader->Next(block));
    if (!got) break;
    NRL_CHECK(renditions.Add(block));
    if (reader->position() < report_at) continue;
    report_at = reader->position() + kProgressSamples;
    progress(input->fraction());
  }
  NRL_CHECK(renditions.Finish(fds.waveform));
  Prepared prepared;
  prepared.info = input->info();
  prepared.samples = renditions.samples();
  prepared.loudness_lufs = renditions.loudness_lufs();
  prepared.channel_correlation = reader->channel_correlation();
  prepared.warnings = Warnings(*input, *reader, fds.input, prepared.samples * 1'000 / kAudioRate);
  return prepared;
}

}  // namespace narralytica::media
