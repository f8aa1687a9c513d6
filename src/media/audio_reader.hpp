// The chosen audio stream of a recording as one gapless flow of blocks on the playback clock, at
// the rate and with the number of channels (1 or 2) that the stream begins with. Every packet is
// decoded once; memory use does not depend on length. Private to the media child.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "media/audio_block.hpp"
#include "media/frame_mixer.hpp"
#include "media/input.hpp"
#include "media/resampler.hpp"
#include "media/timeline.hpp"

namespace narralytica::media {

class AudioReader {
 public:
  // Decodes up to the first sound, so that its form is known. `input` and `budget` must outlive
  // the reader. media_no_audio, media_empty, media_decode_failed, media_encrypted and what
  // Input::OpenDecoder refuses.
  static Result<std::unique_ptr<AudioReader>> Open(Input& input, const MediaLimits& limits,
                                                   Budget& budget);
  AudioReader(const AudioReader&) = delete;
  AudioReader& operator=(const AudioReader&) = delete;

  int64_t sample_rate() const { return sample_rate_; }
  int channels() const { return channels_; }

  // The next block, one frame of the codec or at most a second of silence; false at the end.
  // media_too_long, media_resource, media_encrypted, media_too_many_channels,
  // media_bad_sample_rate.
  Result<bool> Next(AudioBlock& block);

  // Before the first Next: starts at a place at or before `sample`, see position(). Exact only for
  // codecs whose frames stand alone and containers with exact timestamps. media_damaged when the
  // container cannot find the place.
  Status SeekTo(int64_t sample);
  // Where the next block begins, in samples since the start of playback.
  int64_t position() const { return emitted_; }

  const Timeline& timeline() const { return timeline_.value(); }
  int64_t corrupt_packets() const { return corrupt_packets_; }
  std::optional<double> channel_correlation() const { return correlation_.value(); }

 private:
  AudioReader(Input& input, const MediaLimits& limits, Budget& budget)
      : input_(input), limits_(limits), budget_(budget) {}
  Result<bool> DecodeFrame();
  Status SendPacket();
  Status TakeFrame();
  Status CheckFrame() const;
  Status MatchFirstForm(AudioBlock& block);
  std::optional<int64_t> FrameTimestamp() const;
  bool EmitSilence(AudioBlock& block);
  Status CountEmitted(const AudioBlock& block);

  Input& input_;
  const MediaLimits limits_;
  Budget& budget_;
  AvPtr<AVCodecContext> decoder_;
  AvPtr<AVPacket> packet_;
  AvPtr<AVFrame> frame_;
  AVStream* stream_ = nullptr;
  int64_t origin_us_ = 0;
  int64_t sample_rate_ = 0;
  int channels_ = 1;
  std::optional<Timeline> timeline_;
  ChannelCorrelation correlation_;
  std::optional<Resampler> adapter_;  // while the stream's rate differs from its first
  int64_t adapter_rate_ = 0;
  AudioBlock pending_;  // decoded, waits behind its silence
  bool has_pending_ = false;
  int64_t silence_ = 0;
  int64_t emitted_ = 0;
  int64_t corrupt_packets_ = 0;
  bool draining_ = false;
};

}  // namespace narralytica::media
