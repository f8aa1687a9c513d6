// The clocks of diarization, and the pieces that a recording is heard in.
//
// Segmentation hears windows of 10 s, one every 2.4975 s, and says 589 times in each who speaks.
// The voice trunk gives a frame every 80 ms. A chunk is kChunkWindows windows: what is
// heard at once and what a checkpoint holds. Chunks lie where the recording's length alone puts
// them, so that the result does not depend on who computes which.
//
// Models: pyannote segmentation 3.0 (Bredin 2023, "pyannote.audio 2.1 speaker diarization
// pipeline") and WeSpeaker ResNet34 (Wang et al. 2023), as in pyannote's community-1.
#pragma once

#include <cstddef>
#include <cstdint>

namespace narralytica::speakers {

inline constexpr int64_t kSampleRate = 16'000;

inline constexpr int64_t kFrameSamples = 270;
inline constexpr int64_t kReceptiveSamples = 991;  // a frame's; its centre is in their middle
inline constexpr int64_t kWindowSamples = 160'000;
inline constexpr int64_t kWindowFrames = 589;
inline constexpr int64_t kStepFrames = 148;
inline constexpr size_t kTracks = 3;  // voices that a window can tell apart

inline constexpr int64_t kFeatureSamples = 160;        // from one filter bank frame to the next
inline constexpr int64_t kFeatureWindowSamples = 400;  // of one
inline constexpr int64_t kFeaturesPerVoiceFrame = 8;
inline constexpr int64_t kVoiceFrameSamples = kFeatureSamples * kFeaturesPerVoiceFrame;
inline constexpr int64_t kContextVoiceFrames = 16;  // the trunk's receptive field, and a little

// A sliding voice: from a centre's voice frame so many to each side, every kHopVoiceFrames.
inline constexpr int64_t kHalfVoiceFrames = 9;
inline constexpr int64_t kHopVoiceFrames = 2;

inline constexpr int64_t kChunkWindows = 64;
// Frames whose activity a chunk needs of the one before: those its windows share with windows
// there, and those that its first sliding voices reach back to.
inline constexpr int64_t kBehindFrames = 100;
inline constexpr int64_t kSharedFrames = kWindowFrames - kStepFrames;
inline constexpr int64_t kCarriedFrames = kBehindFrames + kSharedFrames;

inline constexpr double kFrameSeconds = double(kFrameSamples) / kSampleRate;

// Of a recording of so many samples.
class Grid {
 public:
  explicit Grid(int64_t samples);

  int64_t samples() const { return samples_; }
  int64_t frames() const { return frames_; }              // that lie inside the recording
  int64_t windows() const { return windows_; }            // at least one
  int64_t features() const { return features_; }          // filter bank frames
  int64_t voice_frames() const { return voice_frames_; }  // of the trunk
  int64_t centres() const { return centres_; }            // of sliding voices
  int64_t chunks() const { return (windows_ + kChunkWindows - 1) / kChunkWindows; }

  // How many windows cover a frame.
  int64_t Covering(int64_t frame) const;

 private:
  int64_t samples_, frames_, windows_, features_, voice_frames_, centres_;
};

// The frame whose centre is nearest to that of a voice frame, and the other way round; not below 0.
int64_t FrameOfVoiceFrame(int64_t voice_frame);
int64_t CentreOfFrame(int64_t frame, const Grid& grid);  // index of the nearest sliding voice

// Half-open ranges of what one chunk looks at.
struct ChunkPlan {
  ChunkPlan(const Grid& grid, int64_t chunk);

  int64_t first_window, last_window;
  int64_t first_centre, last_centre;            // sliding voices that are this chunk's
  int64_t first_voice_frame, last_voice_frame;  // pooled for windows and centres
  int64_t first_feature, last_feature;          // with the trunk's context
  int64_t first_sample, last_sample;

  // Of the activity that the chunk adds to: carried, its windows' own.
  int64_t first_frame() const { return first_window * kStepFrames - kBehindFrames; }
  int64_t frame_count() const {
    return kBehindFrames + (last_window - first_window) * kStepFrames + kSharedFrames;
  }
};

}  // namespace narralytica::speakers
