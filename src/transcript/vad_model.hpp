// Silero VAD on ONNX Runtime: speech probability of every 512 samples (32 ms) at 16 kHz.
//
// Model: input [n, 576] (64 samples of context, 512 new ones), recurrent state h and c [1, 1, 128]
// -> speech_probs [n], hn, cn.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "platform/inference/runtime.hpp"

namespace narralytica::transcript {

// What one stretch of audio leaves to the next. Zero at the beginning of a recording.
struct VadState {
  std::array<float, 128> h{};
  std::array<float, 128> c{};
  std::array<int16_t, 64> context{};
};

class VadModel {
 public:
  static constexpr size_t kFrameSamples = 512;

  static Result<std::unique_ptr<VadModel>> Open(std::shared_ptr<const platform::Runtime> runtime,
                                                const std::string& model_dir);

  // A probability for each whole frame of `samples` (a multiple of 512); moves `state` on.
  // Thread-safe for different states.
  Result<std::vector<float>> Run(std::span<const int16_t> samples, VadState& state) const;

 private:
  explicit VadModel(std::unique_ptr<platform::Session> session) : session_(std::move(session)) {}
  std::unique_ptr<platform::Session> session_;
};

}  // namespace narralytica::transcript
