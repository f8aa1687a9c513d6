// Sample rate conversion with an exact length: n samples in give round(n * out_rate / in_rate) out,
// the first of both at the same instant. Equal rates pass through unchanged. The filter is
// libswresample's windowed sinc. Private to the media child.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "media/audio_block.hpp"
#include "media/av.hpp"

namespace narralytica::media {

class Resampler {
 public:
  // `channels` 1 or 2, rates in Hz. media_resource when there is no memory.
  static Result<Resampler> Create(int channels, int64_t in_rate, int64_t out_rate);

  // Replaces `out` by what can be given so far, possibly nothing.
  Status Push(const AudioBlock& in, AudioBlock& out);
  // The rest. Afterwards the object is used up.
  Status Flush(AudioBlock& out);

 private:
  Resampler(AvPtr<SwrContext> swr, int channels, int64_t in_rate, int64_t out_rate)
      : swr_(std::move(swr)), channels_(channels), in_rate_(in_rate), out_rate_(out_rate) {}
  Status Convert(const AudioBlock* in, AudioBlock& out);

  AvPtr<SwrContext> swr_;  // absent when the rates are equal
  int channels_;
  int64_t in_rate_;
  int64_t out_rate_;
  int64_t in_samples_ = 0;
  int64_t out_samples_ = 0;
};

}  // namespace narralytica::media
