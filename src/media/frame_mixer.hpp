// From a decoded frame of any sample format and any number of channels to an AudioBlock: two
// channels stay two, every other number becomes the mean of all. Private to the media child.
#pragma once

#include <optional>

#include "media/audio_block.hpp"
#include "media/av.hpp"

namespace narralytica::media {

// Pearson's correlation of two channels over everything added; how alike they are.
class ChannelCorrelation {
 public:
  void Add(const AudioBlock& stereo);
  // -1..1; absent before any sound.
  std::optional<double> value() const;

 private:
  int64_t samples_ = 0;
  std::array<double, 2> sum_{};
  std::array<double, 2> sum_squares_{};
  double sum_products_ = 0;
};

// False when the frame has a sample format that is not sound.
bool MixFrame(const AVFrame& frame, AudioBlock& block);

}  // namespace narralytica::media
