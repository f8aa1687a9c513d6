#include "media/resampler.hpp"

#include "media/media_error.hpp"

namespace narralytica::media {

Result<Resampler> Resampler::Create(int channels, int64_t in_rate, int64_t out_rate) {
  if (in_rate == out_rate) return Resampler(nullptr, channels, in_rate, out_rate);
  AVChannelLayout layout{};
  av_channel_layout_default(&layout, channels);
  SwrContext* raw = nullptr;
  int error =
      swr_alloc_set_opts2(&raw, &layout, AV_SAMPLE_FMT_FLTP, static_cast<int>(out_rate), &layout,
                          AV_SAMPLE_FMT_FLTP, static_cast<int>(in_rate), 0, nullptr);
  AvPtr<SwrContext> swr(raw);
  if (error >= 0) error = swr_init(swr.get());
  if (error < 0) return FailMedia(MediaReason::kResource, AvError("resampler", error));
  return Resampler(std::move(swr), channels, in_rate, out_rate);
}

Status Resampler::Push(const AudioBlock& in, AudioBlock& out) {
  in_samples_ += static_cast<int64_t>(in.samples());
  if (!swr_) {
    out = in;
  } else {
    NRL_CHECK(Convert(&in, out));
  }
  out_samples_ += static_cast<int64_t>(out.samples());
  return {};
}

Status Resampler::Flush(AudioBlock& out) {
  out.Assign(channels_, 0);
  if (!swr_) return {};
  NRL_CHECK(Convert(nullptr, out));
  const int64_t exact = (in_samples_ * out_rate_ + in_rate_ / 2) / in_rate_;
  NRL_ASSERT(out_samples_ <= exact);
  for (int c = 0; c < channels_; ++c) {
    out.planes[c].resize(static_cast<size_t>(exact - out_samples_));
  }
  out_samples_ = exact;
  return {};
}

Status Resampler::Convert(const AudioBlock* in, AudioBlock& out) {
  const int in_samples = in ? static_cast<int>(in->samples()) : 0;
  const int room = swr_get_out_samples(swr_.get(), in_samples);
  if (room < 0) return FailMedia(MediaReason::kResource, AvError("resampler", room));
  out.Assign(channels_, static_cast<size_t>(room));
  const uint8_t* source[2] = {};
  uint8_t* target[2] = {};
  for (int c = 0; c < channels_; ++c) {
    if (in) source[c] = reinterpret_cast<const uint8_t*>(in->planes[c].data());
    target[c] = reinterpret_cast<uint8_t*>(out.planes[c].data());
  }
  const int made = swr_convert(swr_.get(), target, room, in ? source : nullptr, in_samples);
  if (made < 0) return FailMedia(MediaReason::kResource, AvError("resampler", made));
  for (int c = 0; c < channels_; ++c) out.planes[c].resize(static_cast<size_t>(made));
  return {};
}

}  // namespace narralytica::media
