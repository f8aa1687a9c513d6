#include "media/frame_mixer.hpp"

#include <cmath>

namespace narralytica::media {
namespace {

struct ChannelView {
  const uint8_t* data;
  size_t stride;  // in samples
};

ChannelView ViewOf(const AVFrame& frame, int channel) {
  const auto format = static_cast<AVSampleFormat>(frame.format);
  if (av_sample_fmt_is_planar(format)) return {frame.extended_data[channel], 1};
  const auto channels = static_cast<size_t>(frame.ch_layout.nb_channels);
  return {frame.extended_data[0] + channel * av_get_bytes_per_sample(format), channels};
}

// Integer formats are centred on `bias`; `scale` takes them to full scale 1.0.
template <typename Sample>
void Add(ChannelView view, double scale, double bias, std::vector<float>& sum) {
  const auto* samples = reinterpret_cast<const Sample*>(view.data);
  for (size_t i = 0; i < sum.size(); ++i) {
    sum[i] += static_cast<float>((static_cast<double>(samples[i * view.stride]) - bias) * scale);
  }
}

void AddFloat(ChannelView view, std::vector<float>& sum) {
  const auto* samples = reinterpret_cast<const float*>(view.data);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += samples[i * view.stride];
}

bool AddChannel(const AVFrame& frame, int channel, std::vector<float>& sum) {
  const ChannelView view = ViewOf(frame, channel);
  switch (av_get_packed_sample_fmt(static_cast<AVSampleFormat>(frame.format))) {
    case AV_SAMPLE_FMT_U8:
      Add<uint8_t>(view, 1 / 128.0, 128, sum);
      return true;
    case AV_SAMPLE_FMT_S16:
      Add<int16_t>(view, 1 / 32'768.0, 0, sum);
      return true;
    case AV_SAMPLE_FMT_S32:
      Add<int32_t>(view, 1 / 2'147'483'648.0, 0, sum);
      return true;
    case AV_SAMPLE_FMT_S64:
      Add<int64_t>(view, 1 / 9'223'372'036'854'775'808.0, 0, sum);
      return true;
    case AV_SAMPLE_FMT_FLT:
      AddFloat(view, sum);
      return true;
    case AV_SAMPLE_FMT_DBL:
      Add<double>(view, 1, 0, sum);
      return true;
    default:
      return false;
  }
}

void RemoveNonFinite(std::vector<float>& samples) {
  for (float& sample : samples) {
    if (!std::isfinite(sample)) sample = 0;
  }
}

}  // namespace

void ChannelCorrelation::Add(const AudioBlock& stereo) {
  const std::vector<float>& left = stereo.planes[0];
  const std::vector<float>& right = stereo.planes[1];
  double sum_left = 0, sum_right = 0, left_left = 0, right_right = 0, left_right = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    const double l = left[i], r = right[i];
    sum_left += l;
    sum_right += r;
    left_left += l * l;
    right_right += r * r;
    left_right += l * r;
  }
  samples_ += static_cast<int64_t>(left.size());
  sum_[0] += sum_left;
  sum_[1] += sum_right;
  sum_squares_[0] += left_left;
  sum_squares_[1] += right_right;
  sum_products_ += left_right;
}

std::optional<double> ChannelCorrelation::value() const {
  if (samples_ == 0) return std::nullopt;
  const auto count = static_cast<double>(samples_);
  const double variances =
      (sum_squares_[0] - sum_[0] * sum_[0] / count) * (sum_squares_[1] - sum_[1] * sum_[1] / count);
  if (!(variances > 0)) return std::nullopt;
  const double correlation = (sum_products_ - sum_[0] * sum_[1] / count) / std::sqrt(variances);
  return std::isfinite(correlation) ? std::optional(correlation) : std::nullopt;
}

bool MixFrame(const AVFrame& frame, AudioBlock& block) {
  const int channels = frame.ch_layout.nb_channels;
  block.Assign(channels == 2 ? 2 : 1, static_cast<size_t>(frame.nb_samples));
  for (int c = 0; c < channels; ++c) {
    if (!AddChannel(frame, c, block.planes[channels == 2 ? c : 0])) return false;
  }
  if (channels > 2) {
    const float share = 1.0F / static_cast<float>(channels);
    for (float& sample : block.planes[0]) sample *= share;
  }
  for (int c = 0; c < block.channels; ++c) RemoveNonFinite(block.planes[c]);
  return true;
}

}  // namespace narralytica::media
