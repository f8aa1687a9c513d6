#include "transcript/vad_model.hpp"

#include <algorithm>
#include <filesystem>

namespace narralytica::transcript {
namespace {

using platform::Shape;
using platform::Tensor;

constexpr size_t kContextSamples = std::tuple_size_v<decltype(VadState::context)>;
constexpr int64_t kStateSize = std::tuple_size_v<decltype(VadState::h)>;
constexpr float kFullScale = 32768.0f;

}  // namespace

Result<std::unique_ptr<VadModel>> VadModel::Open(std::shared_ptr<const platform::Runtime> runtime,
                                                 const std::string& model_dir) {
  NRL_TRY(auto session, platform::Session::Open(std::move(runtime),
                                                std::filesystem::path(model_dir) / "model.onnx"));
  return std::unique_ptr<VadModel>(new VadModel(std::move(session)));
}

Result<std::vector<float>> VadModel::Run(std::span<const int16_t> samples, VadState& state) const {
  NRL_ASSERT(samples.size() % kFrameSamples == 0);
  const size_t frames = samples.size() / kFrameSamples;
  std::vector<float> probabilities(frames);
  if (frames == 0) return probabilities;
  std::vector<float> input;
  input.reserve(frames * (kContextSamples + kFrameSamples));
  const auto append = [&](std::span<const int16_t> part) {
    for (const int16_t sample : part) input.push_back(float(sample) / kFullScale);
  };
  for (size_t i = 0; i < frames; ++i) {
    const auto frame = samples.subspan(i * kFrameSamples, kFrameSamples);
    append(state.context);
    append(frame);
    std::ranges::copy(frame.last<kContextSamples>(), state.context.begin());
  }
  const Shape state_shape{1, 1, kStateSize};
  VadState next = state;
  NRL_CHECK(session_->Run(
      {Tensor("input", input.data(),
              Shape{int64_t(frames), int64_t(kContextSamples + kFrameSamples)}),
       Tensor("h", state.h.data(), state_shape), Tensor("c", state.c.data(), state_shape)},
      {Tensor("speech_probs", probabilities.data(), Shape{int64_t(frames)}),
       Tensor("hn", next.h.data(), state_shape), Tensor("cn", next.c.data(), state_shape)}));
  state.h = next.h;
  state.c = next.c;
  return probabilities;
}

}  // namespace narralytica::transcript
