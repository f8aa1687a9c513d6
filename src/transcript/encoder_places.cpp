#include "transcript/encoder_places.hpp"

#include <algorithm>

#include "base/result.hpp"

namespace narralytica::transcript {
namespace {

constexpr size_t kSamplesPerPlace = 320;
// A result of the convolutions holds nothing but silence this many positions after the sound.
constexpr int64_t kReach = 3;

}  // namespace

EncoderPlaces PlacesFor(size_t samples, int64_t frames_max, EncoderPlacesRules rules) {
  NRL_ASSERT(rules.stride > 0 && rules.dense_silence >= kReach);
  const auto sound = int64_t((samples + kSamplesPerPlace - 1) / kSamplesPerPlace);
  int64_t dense = std::min(frames_max, sound + rules.dense_silence);
  if (rules.stride == 1) dense = frames_max;
  // All silence looks alike to the convolutions, but for their edge at the end.
  const bool alike = dense + kReach < frames_max;
  EncoderPlaces chosen;
  chosen.frames = alike ? dense + kReach : frames_max;
  for (int64_t place = 0; place < frames_max;) {
    const int64_t share = place < dense ? 1 : std::min(rules.stride, frames_max - place);
    chosen.places.push_back(place);
    chosen.shares.push_back(float(share));
    chosen.sources.push_back(alike ? std::min(place, dense) : place);
    place += share;
  }
  return chosen;
}

}  // namespace narralytica::transcript
