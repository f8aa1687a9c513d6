#include "speakers/frames.hpp"

#include <algorithm>

namespace narralytica::speakers {
namespace {

constexpr int64_t kFrameCentre = (kReceptiveSamples + 1) / 2;     // in samples, of frame 0
constexpr int64_t kVoiceFrameCentre = kFeatureWindowSamples / 2;  // likewise

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rounded to the nearest; not below 0.
int64_t Nearest(int64_t samples, int64_t step) {
  return samples <= 0 ? 0 : (samples + step / 2) / step;
}

}  // namespace

Grid::Grid(int64_t samples) : samples_(samples) {
  const int64_t heard =
      std::max(kWindowFrames, CeilDiv(samples - kReceptiveSamples, kFrameSamples) + 1);
  frames_ = samples / kFrameSamples;
  windows_ = 1 + CeilDiv(heard - kWindowFrames, kStepFrames);
  features_ =
      samples < kFeatureWindowSamples ? 0 : 1 + (samples - kFeatureWindowSamples) / kFeatureSamples;
  voice_frames_ = CeilDiv(features_, kFeaturesPerVoiceFrame);
  centres_ = CeilDiv(voice_frames_, kHopVoiceFrames);
}

int64_t Grid::Covering(int64_t frame) const {
  const int64_t last = std::min(frame / kStepFrames, windows_ - 1);
  const int64_t first = std::max<int64_t>(0, CeilDiv(frame - kWindowFrames + 1, kStepFrames));
  return std::max<int64_t>(0, last - first + 1);
}

int64_t FrameOfVoiceFrame(int64_t voice_frame) {
  return Nearest(voice_frame * kVoiceFrameSamples + kVoiceFrameCentre - kFrameCentre,
                 kFrameSamples);
}

int64_t CentreOfFrame(int64_t frame, const Grid& grid) {
  const int64_t centre = Nearest(frame * kFrameSamples + kFrameCentre - kVoiceFrameCentre,
                                 kVoiceFrameSamples * kHopVoiceFrames);
  return std::clamp<int64_t>(centre, 0, std::max<int64_t>(0, grid.centres() - 1));
}

namespace {

// The first sliding voice all of whose frames a chunk that begins with this window is the first to
// hear: what it needs is known then, and not before.
int64_t FirstCentre(const Grid& grid, int64_t window) {
  if (window == 0) return 0;
  if (window >= grid.windows()) return grid.centres();
  int64_t voice_frame = window * kStepFrames * kFrameSamples / kVoiceFrameSamples - 2;
  while (FrameOfVoiceFrame(voice_frame) < window * kStepFrames) ++voice_frame;
  return std::clamp<int64_t>(CeilDiv(voice_frame - kHalfVoiceFrames, kHopVoiceFrames), 0,
                             grid.centres());
}

}  // namespace

ChunkPlan::ChunkPlan(const Grid& grid, int64_t chunk)
    : first_window(chunk * kChunkWindows),
      last_window(std::min(grid.windows(), first_window + kChunkWindows)),
      first_centre(FirstCentre(grid, first_window)),
      last_centre(FirstCentre(grid, last_window)) {
  const int64_t window_start = first_window * kStepFrames * kFrameSamples;
  const int64_t windows_end = (last_window - 1) * kStepFrames * kFrameSamples + kWindowSamples;
  first_voice_frame =
      std::clamp<int64_t>(first_centre * kHopVoiceFrames - kHalfVoiceFrames, 0,
                          std::max<int64_t>(0, window_start / kVoiceFrameSamples - 1));
  const int64_t centres_end = (last_centre - 1) * kHopVoiceFrames + kHalfVoiceFrames + 1;
  last_voice_frame =
      std::min(grid.voice_frames(), std::max(centres_end, windows_end / kVoiceFrameSamples));
  first_feature =
      std::max<int64_t>(0, (first_voice_frame - kContextVoiceFrames) * kFeaturesPerVoiceFrame);
  last_feature =
      std::min(grid.features(), (last_voice_frame + kContextVoiceFrames) * kFeaturesPerVoiceFrame);
  first_sample = std::min(first_feature * kFeatureSamples, window_start);
  const int64_t features_end = (last_feature - 1) * kFeatureSamples + kFeatureWindowSamples;
  last_sample = std::min(grid.samples(), std::max(windows_end, features_end));
}

}  // namespace narralytica::speakers
