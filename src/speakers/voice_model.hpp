// The models of diarization: who is active in a window of 10 s, and what a voice sounds like.
//
// The trunk of the voice model runs once over the sound; every voice, of a window's track or of a
// moment, is a pooling of its frames under a mask (Desplanques et al. 2020, section 2.1: weighted
// mean and deviation). That is the whole model's own arithmetic, at a tenth of its cost.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "platform/inference/runtime.hpp"
#include "speakers/voice_chunk.hpp"
#include "transcript/compute_slots.hpp"

namespace narralytica::speakers {

class VoiceModel {
 public:
  // `model_dir` is the converted model's: segmentation.onnx, trunk.onnx, head.bin.
  static Result<std::unique_ptr<VoiceModel>> Open(std::shared_ptr<const platform::Runtime> runtime,
                                                  const std::string& model_dir);

  // Hears one chunk, on as many cores as are free; the result does not depend on how many. The
  // caller holds a slot. Thread-safe.
  Result<VoiceChunk> Hear(const VoiceRequest& request, transcript::ComputeSlots& slots,
                          const Deadline& deadline) const;

 private:
  VoiceModel(std::unique_ptr<platform::Session> segmentation,
             std::unique_ptr<platform::Session> trunk, std::vector<float> head)
      : segmentation_(std::move(segmentation)), trunk_(std::move(trunk)), head_(std::move(head)) {}

  const std::unique_ptr<platform::Session> segmentation_;
  const std::unique_ptr<platform::Session> trunk_;
  const std::vector<float> head_;  // [mean and deviation][kVoiceDimension], then the bias
};

}  // namespace narralytica::speakers
