#include "media/audio_reader.hpp"

#include <algorithm>
#include <cstdlib>

#include "media/media_error.hpp"

namespace narralytica::media {

Result<std::unique_ptr<AudioReader>> AudioReader::Open(Input& input, const MediaLimits& limits,
                                                       Budget& budget) {
  const std::optional<int64_t> index = input.info().audio_stream;
  if (!index) return FailMedia(MediaReason::kNoAudio);
  std::unique_ptr<AudioReader> reader(new AudioReader(input, limits, budget));
  NRL_TRY(reader->decoder_, input.OpenDecoder(*index, limits));
  reader->stream_ = input.stream(*index);
  reader->packet_.reset(av_packet_alloc());
  reader->frame_.reset(av_frame_alloc());
  if (!reader->packet_ || !reader->frame_) {
    return FailMedia(MediaReason::kResource, "no memory for a frame");
  }
  const int64_t start_us = input.format()->start_time;
  reader->origin_us_ = start_us == AV_NOPTS_VALUE ? 0 : std::max<int64_t>(start_us, 0);
  input.Select(*index);
  NRL_TRY(const bool decoded, reader->DecodeFrame());
  if (!decoded) {
    const bool nothing_read = reader->corrupt_packets_ == 0 && !input.damaged();
    return FailMedia(nothing_read ? MediaReason::kEmpty : MediaReason::kDecodeFailed,
                     std::to_string(reader->corrupt_packets_) + " corrupt packets");
  }
  reader->sample_rate_ = reader->frame_->sample_rate;
  reader->channels_ = reader->frame_->ch_layout.nb_channels == 2 ? 2 : 1;
  reader->timeline_.emplace(reader->sample_rate_, limits.gap_ms_max);
  NRL_CHECK(reader->TakeFrame());
  return reader;
}

Result<bool> AudioReader::Next(AudioBlock& block) {
  while (true) {
    if (EmitSilence(block)) break;
    if (has_pending_) {
      has_pending_ = false;
      std::swap(block, pending_);
      if (block.samples() > 0) break;
    }
    NRL_TRY(const bool decoded, DecodeFrame());
    if (!decoded) return false;
    NRL_CHECK(TakeFrame());
  }
  NRL_CHECK(CountEmitted(block));
  return true;
}

bool AudioReader::EmitSilence(AudioBlock& block) {
  if (silence_ == 0) return false;
  const int64_t samples = std::min(silence_, sample_rate_);
  block.Assign(channels_, static_cast<size_t>(samples));
  silence_ -= samples;
  return true;
}

Status AudioReader::CountEmitted(const AudioBlock& block) {
  emitted_ += static_cast<int64_t>(block.samples());
  const int64_t decoded_ms = emitted_ * 1'000 / sample_rate_;
  if (decoded_ms > limits_.decoded_duration_ms_max) return FailMedia(MediaReason::kTooLong);
  budget_.SetDecoded(decoded_ms);
  return {};
}

// A decoded frame in frame_; false at the end of the recording.
Result<bool> AudioReader::DecodeFrame() {
  while (true) {
    const int error = avcodec_receive_frame(decoder_.get(), frame_.get());
    if (error >= 0 && frame_->nb_samples > 0) {
      NRL_CHECK(CheckFrame());
      return true;
    }
    if (error == AVERROR_EOF) return false;
    if (error == AVERROR(ENOMEM)) return FailMedia(MediaReason::kResource, "decoding: no memory");
    if (error < 0 && error != AVERROR(EAGAIN)) {
      ++corrupt_packets_;
      NRL_CHECK(budget_.Check());
    }
    if (draining_ && error < 0) return false;
    if (error == AVERROR(EAGAIN)) NRL_CHECK(SendPacket());
  }
}

Status AudioReader::SendPacket() {
  while (true) {
    NRL_TRY(const bool got, input_.ReadPacket(*packet_));
    draining_ = !got;
    if (got && packet_->stream_index != stream_->index) {
      av_packet_unref(packet_.get());
      continue;
    }
    if (got && av_packet_get_side_data(packet_.get(), AV_PKT_DATA_ENCRYPTION_INFO, nullptr)) {
      return FailMedia(MediaReason::kEncrypted, "encrypted packet");
    }
    const int error = avcodec_send_packet(decoder_.get(), got ? packet_.get() : nullptr);
    av_packet_unref(packet_.get());
    if (error == AVERROR(ENOMEM)) return FailMedia(MediaReason::kResource, "decoding: no memory");
    if (error >= 0 || draining_) return {};
    ++corrupt_packets_;
  }
}

Status AudioReader::CheckFrame() const {
  if (frame_->ch_layout.nb_channels < 1) {
    return FailMedia(MediaReason::kDecodeFailed, "a frame without channels");
  }
  if (frame_->ch_layout.nb_channels > limits_.channels_max) {
    return FailMedia(MediaReason::kTooManyChannels, std::to_string(frame_->ch_layout.nb_channels));
  }
  if (frame_->sample_rate < limits_.sample_rate_min ||
      frame_->sample_rate > limits_.sample_rate_max) {
    return FailMedia(MediaReason::kBadSampleRate, std::to_string(frame_->sample_rate));
  }
  return {};
}

// frame_ becomes pending_, placed on the timeline.
Status AudioReader::TakeFrame() {
  if (!MixFrame(*frame_, pending_)) {
    return FailMedia(MediaReason::kDecodeFailed, "a frame without a sample format");
  }
  if (pending_.channels == 2) correlation_.Add(pending_);
  const std::optional<int64_t> timestamp = FrameTimestamp();
  NRL_CHECK(MatchFirstForm(pending_));
  silence_ = timeline_->Place(timestamp, static_cast<int64_t>(pending_.samples()));
  has_pending_ = true;
  return {};
}

std::optional<int64_t> AudioReader::FrameTimestamp() const {
  if (frame_->best_effort_timestamp == AV_NOPTS_VALUE) return std::nullopt;
  const AVRational sample{1, static_cast<int>(sample_rate_)};
  const int64_t timestamp = av_rescale_q(frame_->best_effort_timestamp, stream_->time_base, sample);
  const int64_t origin = av_rescale_q(origin_us_, AVRational{1, AV_TIME_BASE}, sample);
  if (std::max(std::abs(timestamp / 2), origin) > Timeline::kTimestampMax / 2) return std::nullopt;
  return timestamp - origin;
}

// Streams may change their rate or channels between frames; what follows must not.
Status AudioReader::MatchFirstForm(AudioBlock& block) {
  if (block.channels != channels_) {
    std::vector<float> mono;
    MixToMono(block, mono);
    block.channels = channels_;
    block.planes[1] = channels_ == 2 ? mono : std::vector<float>();
    block.planes[0] = std::move(mono);
  }
  const int64_t rate = frame_->sample_rate;
  AudioBlock before;
  if (adapter_ && adapter_rate_ != rate) {
    NRL_CHECK(adapter_->Flush(before));
    adapter_.reset();
  }
  if (rate != sample_rate_) {
    if (!adapter_) {
      NRL_TRY(adapter_, Resampler::Create(channels_, rate, sample_rate_));
      adapter_rate_ = rate;
    }
    AudioBlock adapted;
    NRL_CHECK(adapter_->Push(block, adapted));
    block = std::move(adapted);
  }
  for (int c = 0; before.samples() > 0 && c < channels_; ++c) {
    block.planes[c].insert(block.planes[c].begin(), before.planes[c].begin(),
                           before.planes[c].end());
  }
  return {};
}

Status AudioReader::SeekTo(int64_t sample) {
  const int64_t target =
      av_rescale_q(sample, AVRational{1, static_cast<int>(sample_rate_)}, stream_->time_base);
  const int error =
      avformat_seek_file(input_.format(), stream_->index, INT64_MIN, target, target, 0);
  if (error < 0) return FailMedia(MediaReason::kDamaged, AvError("seeking", error));
  avcodec_flush_buffers(decoder_.get());
  draining_ = false;
  NRL_TRY(const bool decoded, DecodeFrame());
  const std::optional<int64_t> landed = decoded ? FrameTimestamp() : std::nullopt;
  if (!landed || *landed < 0 || *landed > sample) {
    return FailMedia(MediaReason::kDamaged, "seeking led to another place");
  }
  emitted_ = *landed;
  timeline_.emplace(sample_rate_, limits_.gap_ms_max, *landed);
  return TakeFrame();
}

}  // namespace narralytica::media
