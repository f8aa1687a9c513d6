#include "speakers/voice_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "speakers/voice_pooling.hpp"
#include "transcript/model_folder.hpp"

namespace narralytica::speakers {
namespace {

using platform::Shape;
using platform::Tensor;

constexpr size_t kHeadFloats = (kPooledChannels + 1) * kVoiceDimension;
constexpr size_t kClasses = 7;
// The powerset of up to two of three voices (Plaquet and Bredin 2023): nobody, each, each pair.
constexpr std::array<std::array<float, kTracks>, kClasses> kPowerset{{
    {0, 0, 0},
    {1, 0, 0},
    {0, 1, 0},
    {0, 0, 1},
    {1, 1, 0},
    {1, 0, 1},
    {0, 1, 1},
}};
constexpr int64_t kPieceVoiceFrames = 200;  // of the trunk, at once: 16 s, memory grows with it
constexpr size_t kTrunkHeight = 10;
constexpr size_t kTrunkPlanes = kTrunkChannels / kTrunkHeight;
constexpr float kTrackSecondsMin = 0.3f;  // shorter tracks have no voice
constexpr float kTrackWeightMin = 1;      // in voice frames
constexpr float kSlidingWeightMin = 4;    // likewise
constexpr float kFullScale = 32'768;

using Posteriors = std::array<float, kClasses>;

// One window's: what the three tracks do, frame by frame.
struct HeardWindow {
  std::vector<Posteriors> classes;
};

class ChunkHearing {
 public:
  ChunkHearing(const VoiceRequest& request, std::span<const float> head)
      : request_(request),
        grid_(request.recording_samples),
        plan_(grid_, request.chunk),
        pooling_(head),
        heard_(size_t(plan_.last_window - plan_.first_window)),
        frames_(size_t(std::max<int64_t>(0, plan_.last_voice_frame - plan_.first_voice_frame)) *
                kTrunkChannels) {
    chunk_.windows.resize(heard_.size());
    chunk_.tracks.resize(heard_.size() * kWindowFrames * kTracks);
    chunk_.sliding.resize(size_t(std::max<int64_t>(0, plan_.last_centre - plan_.first_centre)));
  }

  size_t windows() const { return heard_.size(); }
  size_t pieces() const {
    const int64_t frames = plan_.last_voice_frame - plan_.first_voice_frame;
    return size_t(std::max<int64_t>(0, (frames + kPieceVoiceFrames - 1) / kPieceVoiceFrames));
  }
  size_t centres() const { return chunk_.sliding.size(); }

  Status Segment(const platform::Session& session, size_t window);
  Status RunTrunk(const platform::Session& session, size_t piece);
  void AddUpActivity();
  void PoolWindow(size_t window);
  void PoolCentre(size_t index);
  VoiceChunk Take() { return std::move(chunk_); }

 private:
  size_t IndexOf(int64_t frame) const { return size_t(frame - plan_.first_frame()); }
  float LoneWeight(int64_t voice_frame) const;

  const VoiceRequest& request_;
  const Grid grid_;
  const ChunkPlan plan_;
  const VoicePooling pooling_;
  std::vector<HeardWindow> heard_;
  std::vector<float> frames_;  // of the trunk, [voice frame][kTrunkChannels]
  VoiceChunk chunk_;
};

Status ChunkHearing::Segment(const platform::Session& session, size_t window) {
  const int64_t first_frame = (plan_.first_window + int64_t(window)) * kStepFrames;
  const int64_t start = first_frame * kFrameSamples - plan_.first_sample;
  std::vector<float> samples(kWindowSamples, 0.0f);
  const int64_t have = std::min(kWindowSamples, std::ssize(request_.samples) - start);
  for (int64_t i = 0; i < have; ++i) {
    samples[size_t(i)] = float(request_.samples[size_t(start + i)]) / kFullScale;
  }
  std::vector<Posteriors>& classes = heard_[window].classes;
  classes.resize(kWindowFrames);
  NRL_CHECK(session.Run(
      {Tensor("waveforms", samples.data(), Shape{1, 1, kWindowSamples})},
      {Tensor("log_probabilities", classes.front().data(), Shape{1, kWindowFrames, kClasses})}));
  for (int64_t frame = 0; frame < kWindowFrames; ++frame) {
    Posteriors& now = classes[size_t(frame)];
    if (first_frame + frame >= grid_.frames()) {  // behind the end nobody speaks
      now.fill(0);
      now[0] = 1;
      continue;
    }
    for (float& value : now) value = std::exp(value);
  }
  return {};
}

Status ChunkHearing::RunTrunk(const platform::Session& session, size_t piece) {
  const int64_t first = plan_.first_voice_frame + int64_t(piece) * kPieceVoiceFrames;
  const int64_t last = std::min(first + kPieceVoiceFrames, plan_.last_voice_frame);
  const int64_t from = std::max<int64_t>(0, first - kContextVoiceFrames) * kFeaturesPerVoiceFrame;
  const int64_t to =
      std::min(grid_.features(), (last + kContextVoiceFrames) * kFeaturesPerVoiceFrame);
  const int64_t start = from * kFeatureSamples - plan_.first_sample;
  const int64_t count = (to - from - 1) * kFeatureSamples + kFeatureWindowSamples;
  std::vector<float> features =
      VoiceFeatures(std::span(request_.samples).subspan(size_t(start), size_t(count)));
  for (size_t i = 0; i < features.size(); ++i) features[i] -= request_.mean[i % kFeatureBands];
  const int64_t given = (to - from + kFeaturesPerVoiceFrame - 1) / kFeaturesPerVoiceFrame;
  std::vector<float> planes(size_t(given) * kTrunkChannels);
  NRL_CHECK(
      session.Run({Tensor("fbank", features.data(), Shape{1, to - from, int64_t(kFeatureBands)})},
                  {Tensor("frames", planes.data(),
                          Shape{1, int64_t(kTrunkPlanes), int64_t(kTrunkHeight), given})}));
  const int64_t skipped = first - from / kFeaturesPerVoiceFrame;
  for (int64_t frame = first; frame < last; ++frame) {
    float* out = &frames_[size_t(frame - plan_.first_voice_frame) * kTrunkChannels];
    const size_t column = size_t(frame - first + skipped);
    for (size_t c = 0; c < kTrunkChannels; ++c) out[c] = planes[c * size_t(given) + column];
  }
  return {};
}

void ChunkHearing::AddUpActivity() {
  Activity& activity = chunk_.activity;
  activity = request_.carried;
  activity.speaking.resize(size_t(plan_.frame_count()));
  activity.alone.resize(size_t(plan_.frame_count()));
  for (size_t window = 0; window < heard_.size(); ++window) {
    const size_t at = IndexOf((plan_.first_window + int64_t(window)) * kStepFrames);
    for (size_t frame = 0; frame < size_t(kWindowFrames); ++frame) {
      const Posteriors& now = heard_[window].classes[frame];
      uint8_t* tracks = &chunk_.tracks[(window * kWindowFrames + frame) * kTracks];
      for (size_t track = 0; track < kTracks; ++track) {
        float active = 0;
        for (size_t c = 0; c < kClasses; ++c) active += now[c] * kPowerset[c][track];
        tracks[track] = uint8_t(std::lround(std::clamp(active, 0.0f, 1.0f) * 255));
        activity.speaking[at + frame] += active;
        activity.alone[at + frame] += now[1 + track];
      }
    }
  }
}

void ChunkHearing::PoolWindow(size_t window) {
  const std::vector<Posteriors>& classes = heard_[window].classes;
  std::vector<std::array<float, kTracks>> active(classes.size());
  std::vector<std::array<float, kTracks>> clean(classes.size());
  std::array<float, kTracks> active_s{}, clean_s{};
  for (size_t frame = 0; frame < classes.size(); ++frame) {
    const auto most = std::ranges::max_element(classes[frame]) - classes[frame].begin();
    active[frame] = kPowerset[size_t(most)];
    const bool alone = most >= 1 && most <= ptrdiff_t(kTracks);
    for (size_t track = 0; track < kTracks; ++track) {
      clean[frame][track] = alone ? active[frame][track] : 0;
      active_s[track] += active[frame][track] * float(kFrameSeconds);
      clean_s[track] += clean[frame][track] * float(kFrameSeconds);
    }
  }
  const int64_t start = (plan_.first_window + int64_t(window)) * kStepFrames * kFrameSamples;
  const int64_t centre = kFeatureWindowSamples / 2;
  const int64_t first =
      std::max<int64_t>(0, (start - centre + kVoiceFrameSamples - 1) / kVoiceFrameSamples);
  const int64_t last =
      std::min(plan_.last_voice_frame, (start + kWindowSamples) / kVoiceFrameSamples);
  for (size_t track = 0; track < kTracks && last > first; ++track) {
    TrackVoice& voice = chunk_.windows[window][track];
    voice.clean_s = clean_s[track];
    if (active_s[track] < kTrackSecondsMin) continue;
    const auto& mask = clean_s[track] >= kTrackSecondsMin ? clean : active;
    std::vector<float> weights;
    float sum = 0;
    for (int64_t frame = first; frame < last; ++frame) {
      const int64_t inside = (frame * kVoiceFrameSamples + centre - start - kReceptiveSamples / 2 +
                              kFrameSamples / 2) /
                             kFrameSamples;
      const int64_t at = std::clamp<int64_t>(inside, 2, kWindowFrames - 3);
      float weight = 0;
      for (int64_t near = at - 2; near <= at + 2; ++near) weight += mask[size_t(near)][track] / 5;
      weights.push_back(weight);
      sum += weight;
    }
    if (sum <= kTrackWeightMin) continue;
    const auto frames = std::span(frames_).subspan(
        size_t(first - plan_.first_voice_frame) * kTrunkChannels, weights.size() * kTrunkChannels);
    voice.voice = pooling_.Pool(frames, weights);
    Normalise(voice.voice);
  }
}

float ChunkHearing::LoneWeight(int64_t voice_frame) const {
  const int64_t frame = FrameOfVoiceFrame(voice_frame);
  const size_t index = IndexOf(frame);
  if (frame < plan_.first_frame() || index >= chunk_.activity.speaking.size()) return 0;
  const float covering = float(std::max<int64_t>(1, grid_.Covering(frame)));
  const float speaking = chunk_.activity.speaking[index] / covering;
  const float alone = chunk_.activity.alone[index] / covering;
  return std::min(speaking, 1.0f) * (1 - std::clamp(speaking - alone, 0.0f, 2.0f) / 2);
}

void ChunkHearing::PoolCentre(size_t index) {
  const int64_t centre = (plan_.first_centre + int64_t(index)) * kHopVoiceFrames;
  const int64_t first = std::max(plan_.first_voice_frame, centre - kHalfVoiceFrames);
  const int64_t last = std::min(plan_.last_voice_frame, centre + kHalfVoiceFrames + 1);
  std::vector<float> weights;
  float sum = 0;
  for (int64_t frame = first; frame < last; ++frame) {
    weights.push_back(LoneWeight(frame));
    sum += weights.back();
  }
  SlidingVoice& sliding = chunk_.sliding[index];
  sliding.weight = LoneWeight(centre);
  if (sum <= kSlidingWeightMin) return;
  const auto frames = std::span(frames_).subspan(
      size_t(first - plan_.first_voice_frame) * kTrunkChannels, weights.size() * kTrunkChannels);
  Voice voice = pooling_.Pool(frames, weights);
  Normalise(voice);
  sliding.voice = PackedVoice::Of(voice);
}

}  // namespace

Result<std::unique_ptr<VoiceModel>> VoiceModel::Open(
    std::shared_ptr<const platform::Runtime> runtime, const std::string& model_dir) {
  NRL_TRY(auto segmentation, platform::Session::Open(runtime, model_dir + "/segmentation.onnx"));
  NRL_TRY(auto trunk, platform::Session::Open(std::move(runtime), model_dir + "/trunk.onnx"));
  NRL_TRY(const std::string bytes, transcript::ReadModelFile(model_dir, "head.bin"));
  if (bytes.size() != kHeadFloats * sizeof(float)) {
    return Fail(ErrorCode::kCorrupt, "the voice model's head.bin has another size than it should",
                "run `make models`");
  }
  // Stored [dimension][channel]; pooled channel by channel.
  std::vector<float> stored(kHeadFloats);
  std::memcpy(stored.data(), bytes.data(), bytes.size());
  std::vector<float> head(kHeadFloats);
  for (size_t d = 0; d < kVoiceDimension; ++d) {
    for (size_t c = 0; c < kPooledChannels; ++c) {
      head[c * kVoiceDimension + d] = stored[d * kPooledChannels + c];
    }
  }
  std::copy_n(stored.end() - ptrdiff_t(kVoiceDimension), kVoiceDimension,
              head.end() - ptrdiff_t(kVoiceDimension));
  return std::unique_ptr<VoiceModel>(
      new VoiceModel(std::move(segmentation), std::move(trunk), std::move(head)));
}

Result<VoiceChunk> VoiceModel::Hear(const VoiceRequest& request, transcript::ComputeSlots& slots,
                                    const Deadline& deadline) const {
  ChunkHearing hearing(request, head_);
  // The long pieces first, so that no core waits at the end.
  const auto run_models = [&](size_t i) -> Status {
    NRL_CHECK(deadline.Check("hearing voices"));
    if (i < hearing.pieces()) return hearing.RunTrunk(*trunk_, i);
    return hearing.Segment(*segmentation_, i - hearing.pieces());
  };
  NRL_CHECK(slots.ForEach(hearing.pieces() + hearing.windows(), run_models));
  hearing.AddUpActivity();
  const auto pool = [&](size_t i) -> Status {
    if (i < hearing.windows()) {
      hearing.PoolWindow(i);
    } else {
      hearing.PoolCentre(i - hearing.windows());
    }
    return {};
  };
  NRL_CHECK(slots.ForEach(hearing.windows() + hearing.centres(), pool));
  return hearing.Take();
}

}  // namespace narralytica::speakers
