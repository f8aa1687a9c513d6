// Which of the encoder's positions are computed for a window: all that hold its sound and a little
// of the silence behind it, and of the rest of the silence every few, each standing for its
// neighbours (docs/adr/0008).
//
// Whisper was trained on 30 s, mostly filled; it needs the silence after a short window to be there
// and to weigh as much as it did, but not each of its positions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace narralytica::transcript {

struct EncoderPlaces {
  // Positions of 20 ms among those of the longest window, ascending.
  std::vector<int64_t> places;
  // How many positions each stands for; together all there are.
  std::vector<float> shares;
  // From the spectrogram of 2 * frames, of 10 ms each, the convolutions make what every place
  // needs; sources[i] says which of their `frames` results stands at places[i].
  std::vector<int64_t> sources;
  int64_t frames = 0;

  size_t count() const { return places.size(); }
};

struct EncoderPlacesRules {
  int64_t dense_silence = 50;  // positions after the sound that are all computed: 1 s
  int64_t stride = 4;          // of those after them, one in so many; 1 computes all
};

// The places for `samples` of sound (16 kHz) in an encoder of `frames_max` positions.
EncoderPlaces PlacesFor(size_t samples, int64_t frames_max, EncoderPlacesRules rules = {});

}  // namespace narralytica::transcript
