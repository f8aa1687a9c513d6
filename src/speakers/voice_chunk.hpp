// What is heard in one chunk of a recording (frames.hpp): who is active in each window, and what
// the voices sound like. The engine makes it; the worker keeps it as a checkpoint.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "speakers/frames.hpp"
#include "speakers/voice_features.hpp"

namespace narralytica::speakers {

inline constexpr size_t kVoiceDimension = 256;
using Voice = std::array<float, kVoiceDimension>;  // of length 1, or all zeros: none

// A voice in 8 bits a dimension: voice[i] is about values[i] * scale.
struct PackedVoice {
  std::array<int8_t, kVoiceDimension> values{};
  float scale = 0;

  static PackedVoice Of(const Voice& voice);
  float Dot(const Voice& other) const;
  bool empty() const { return scale == 0; }
};

struct TrackVoice {
  Voice voice{};
  float clean_s = 0;  // how long the track is the only one that is active
};

// Sums over the windows that cover a frame.
struct Activity {
  std::vector<float> speaking;  // expected number of voices
  std::vector<float> alone;     // probability of exactly one
};

struct SlidingVoice {
  PackedVoice voice;
  float weight = 0;  // 0..1, how surely one voice alone is active at the centre
};

struct VoiceChunk {
  std::vector<std::array<TrackVoice, kTracks>> windows;
  // [window][frame][track], 255 is 1.
  std::vector<uint8_t> tracks;
  std::vector<SlidingVoice> sliding;
  // Of ChunkPlan's first_frame() .. + frame_count(); the last kCarriedFrames are what the next
  // chunk is given.
  Activity activity;
};

// What is asked for. `samples` are those of the plan; `carried` the activity of the first
// kCarriedFrames from the chunk before, zeros in the first one.
struct VoiceRequest {
  int64_t recording_samples = 0;
  int64_t chunk = 0;
  std::array<float, kFeatureBands> mean{};
  Activity carried;
  std::vector<int16_t> samples;
};

// Little endian, lengths first: docs/formats/voices.md. Unpacking gives kCorrupt when the bytes are
// something else.
std::vector<uint8_t> PackVoiceRequest(const VoiceRequest& request);
Result<VoiceRequest> UnpackVoiceRequest(std::span<const uint8_t> bytes);
std::vector<uint8_t> PackVoiceChunk(const VoiceChunk& chunk);
Result<VoiceChunk> UnpackVoiceChunk(std::span<const uint8_t> bytes);

}  // namespace narralytica::speakers
