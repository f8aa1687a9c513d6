// All that was heard in a recording, chunk after chunk: what voices are found in and turns are made
// of. About 12 MB an hour.
#pragma once

#include <vector>

#include "speakers/frames.hpp"
#include "speakers/voice_chunk.hpp"

namespace narralytica::speakers {

class Heard {
 public:
  explicit Heard(int64_t samples) : grid_(samples) {}

  // Chunks come in order, each once.
  void Append(const VoiceChunk& chunk);
  // What the next chunk is given: the activity that it shares with those before.
  Activity Carried() const { return carried_; }

  const Grid& grid() const { return grid_; }
  const std::vector<std::array<TrackVoice, kTracks>>& windows() const { return windows_; }
  const std::vector<SlidingVoice>& sliding() const { return sliding_; }
  // Of a window's track at one of its frames, 0..1.
  float Track(int64_t window, int64_t frame, size_t track) const {
    return float(tracks_[size_t((window * kWindowFrames + frame) * int64_t(kTracks)) + track]) /
           255;
  }
  // The expected number of voices at a frame.
  float Speaking(int64_t frame) const;

 private:
  const Grid grid_;
  int64_t chunks_ = 0;
  std::vector<std::array<TrackVoice, kTracks>> windows_;
  std::vector<uint8_t> tracks_;
  std::vector<SlidingVoice> sliding_;
  std::vector<float> speaking_;  // sums over the windows, by frame
  Activity carried_{std::vector<float>(kCarriedFrames), std::vector<float>(kCarriedFrames)};
};

}  // namespace narralytica::speakers
