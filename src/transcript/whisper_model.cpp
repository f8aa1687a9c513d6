#include "transcript/whisper_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <utility>

namespace narralytica::transcript {
namespace {

using platform::Session;
using platform::Shape;
using platform::Tensor;

constexpr size_t kHead = 64;

}  // namespace

WhisperModel::WhisperModel(WhisperConfig config, std::unique_ptr<Session> encoder,
                           std::unique_ptr<Session> decoder)
    : config_(std::move(config)),
      log_mel_(config_.mel_filters, config_.mel_bands),
      encoder_(std::move(encoder)),
      decoder_(std::move(decoder)) {
  for (size_t i = 0; i < config_.layers; ++i) {
    names_.push_back({fmt::format("cross_k_{}", i), fmt::format("cross_v_{}", i),
                      fmt::format("past_k_{}", i), fmt::format("past_v_{}", i),
                      fmt::format("present_k_{}", i), fmt::format("present_v_{}", i)});
  }
}

Result<std::unique_ptr<WhisperModel>> WhisperModel::Open(
    std::shared_ptr<const platform::Runtime> runtime, const std::string& model_dir) {
  NRL_TRY(WhisperConfig config, WhisperConfig::Load(model_dir));
  const std::filesystem::path dir(model_dir);
  NRL_TRY(auto encoder, Session::Open(runtime, dir / "encoder.onnx"));
  NRL_TRY(auto decoder, Session::Open(std::move(runtime), dir / "decoder.onnx"));
  return std::unique_ptr<WhisperModel>(
      new WhisperModel(std::move(config), std::move(encoder), std::move(decoder)));
}

EncodedWindows WhisperModel::Prepare(std::vector<int64_t> row_frames) const {
  EncodedWindows encoded;
  encoded.window.resize(row_frames.size());
  std::iota(encoded.window.begin(), encoded.window.end(), size_t{0});
  encoded.frames = size_t(*std::ranges::max_element(row_frames));
  encoded.row_frames = std::move(row_frames);
  const size_t size = encoded.rows() * config_.heads * kHead * encoded.frames;
  encoded.keys.assign(config_.layers, std::vector<float>(size));
  encoded.values.assign(config_.layers, std::vector<float>(size));
  return encoded;
}

Status WhisperModel::Encode(std::span<const float> samples, size_t row,
                            EncodedWindows& encoded) const {
  const size_t frames = size_t(encoded.row_frames[row]);
  std::vector<float> mel(config_.mel_bands * frames * 2);
  log_mel_.Compute(samples, frames * 2, mel);
  const auto heads = int64_t(config_.heads);
  const auto count = int64_t(frames);
  const Tensor input("mel", mel.data(), Shape{1, int64_t(config_.mel_bands), count * 2});
  const size_t row_size = config_.heads * kHead * encoded.frames;
  // A row as long as the batch is written in place; a shorter one takes a detour, since its keys
  // are [64, frames] with another stride.
  const bool direct = frames == encoded.frames;
  const size_t size = config_.heads * kHead * frames;
  std::vector<float> own(direct ? 0 : size * config_.layers * 2);
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < config_.layers; ++i) {
    float* key = direct ? &encoded.keys[i][row * row_size] : &own[2 * i * size];
    float* value = direct ? &encoded.values[i][row * row_size] : &own[(2 * i + 1) * size];
    outputs.emplace_back(names_[i].cross_key.c_str(), key, Shape{1, heads, kHead, count});
    outputs.emplace_back(names_[i].cross_value.c_str(), value, Shape{1, heads, count, kHead});
  }
  NRL_CHECK(encoder_->Run(std::span(&input, 1), outputs));
  if (direct) return {};
  for (size_t i = 0; i < config_.layers; ++i) {
    for (size_t line = 0; line < config_.heads * kHead; ++line) {
      std::memcpy(&encoded.keys[i][row * row_size + line * encoded.frames],
                  &own[2 * i * size + line * frames], frames * sizeof(float));
    }
    for (size_t head = 0; head < config_.heads; ++head) {
      std::memcpy(&encoded.values[i][row * row_size + head * encoded.frames * kHead],
                  &own[(2 * i + 1) * size + head * frames * kHead], frames * kHead * sizeof(float));
    }
  }
  return {};
}

std::vector<Tensor> WhisperModel::CrossInputs(const EncodedWindows& encoded, size_t count) const {
  const auto rows = int64_t(count);
  const auto heads = int64_t(config_.heads);
  const auto frames = int64_t(encoded.frames);
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < config_.layers; ++i) {
    inputs.emplace_back(names_[i].cross_key.c_str(), encoded.keys[i].data(),
                        Shape{rows, heads, kHead, frames});
    inputs.emplace_back(names_[i].cross_value.c_str(), encoded.values[i].data(),
                        Shape{rows, heads, frames, kHead});
  }
  inputs.emplace_back("frames", encoded.row_frames.data(), Shape{rows});
  return inputs;
}

DecoderState WhisperModel::Start(size_t rows) const {
  DecoderState state;
  state.rows = rows;
  state.past.resize(config_.layers * 2);
  state.present.resize(config_.layers * 2);
  state.logits.resize(rows * config_.vocabulary);
  return state;
}

Status WhisperModel::Step(std::span<const Token> tokens, const EncodedWindows& encoded,
                          DecoderState& state) const {
  const size_t added = tokens.size() / state.rows;
  const size_t windows = state.rows / state.beams;
  NRL_ASSERT(windows <= encoded.rows() && state.length + added <= config_.tokens_max);
  const size_t needed = state.rows * config_.heads * kHead * (state.length + added);
  for (auto& cache : state.present) {  // ahead of what is needed, so that it seldom grows
    if (cache.size() < needed) cache.resize(needed + needed / 2);
  }
  std::vector<int64_t> positions(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) positions[i] = int64_t(state.length + i % added);
  const auto rows = int64_t(state.rows);
  const auto heads = int64_t(config_.heads);
  const Shape past{rows, heads, int64_t(state.length), kHead};
  const Shape present{rows, heads, int64_t(state.length + added), kHead};
  std::vector<Tensor> inputs = CrossInputs(encoded, windows);
  inputs.emplace_back("tokens", tokens.data(), Shape{rows, int64_t(added)});
  inputs.emplace_back("pos", positions.data(), Shape{rows, int64_t(added)});
  std::vector<Tensor> outputs;
  outputs.emplace_back("logits", state.logits.data(), Shape{rows, int64_t(config_.vocabulary)});
  for (size_t i = 0; i < config_.layers; ++i) {
    inputs.emplace_back(names_[i].past_key.c_str(), state.past[2 * i].data(), past);
    inputs.emplace_back(names_[i].past_value.c_str(), state.past[2 * i + 1].data(), past);
    outputs.emplace_back(names_[i].present_key.c_str(), state.present[2 * i].data(), present);
    outputs.emplace_back(names_[i].present_value.c_str(), state.present[2 * i + 1].data(), present);
  }
  NRL_CHECK(decoder_->Run(inputs, outputs));
  state.past.swap(state.present);
  state.length += added;
  return {};
}

Result<std::vector<float>> WhisperModel::Align(std::span<const Token> tokens,
                                               const EncodedWindows& encoded) const {
  const size_t length = tokens.size() / encoded.rows();
  std::vector<int64_t> positions(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) positions[i] = int64_t(i % length);
  const auto rows = int64_t(encoded.rows());
  const auto heads = int64_t(config_.heads);
  const Shape none{rows, heads, 0, kHead};
  const float empty = 0;
  std::vector<Tensor> inputs = CrossInputs(encoded, encoded.rows());
  inputs.emplace_back("tokens", tokens.data(), Shape{rows, int64_t(length)});
  inputs.emplace_back("pos", positions.data(), Shape{rows, int64_t(length)});
  for (const LayerNames& names : names_) {
    inputs.emplace_back(names.past_key.c_str(), &empty, none);
    inputs.emplace_back(names.past_value.c_str(), &empty, none);
  }
  std::vector<float> weights(encoded.rows() * config_.alignment_heads * length * encoded.frames);
  const Tensor output(
      "align", weights.data(),
      Shape{rows, int64_t(config_.alignment_heads), int64_t(length), int64_t(encoded.frames)});
  NRL_CHECK(decoder_->Run(inputs, std::span(&output, 1)));
  return weights;
}

void EncodedWindows::Swap(size_t row, size_t other) {
  const auto swap_rows = [&](std::vector<float>& buffer) {
    const auto size = std::ptrdiff_t(buffer.size() / rows());
    const auto first = buffer.begin() + std::ptrdiff_t(row) * size;
    std::swap_ranges(first, first + size, buffer.begin() + std::ptrdiff_t(other) * size);
  };
  if (row == other) return;
  std::ranges::for_each(keys, swap_rows);
  std::ranges::for_each(values, swap_rows);
  std::swap(window[row], window[other]);
  std::swap(row_frames[row], row_frames[other]);
}

void WhisperModel::Branch(std::span<const size_t> parents, size_t beams,
                          DecoderState& state) const {
  const size_t size = config_.heads * kHead * state.length;
  for (size_t i = 0; i < state.past.size(); ++i) {
    std::vector<float>& to = state.present[i];
    if (to.size() < parents.size() * size) to.resize(parents.size() * size);
    for (size_t row = 0; row < parents.size(); ++row) {
      std::copy_n(state.past[i].begin() + std::ptrdiff_t(parents[row] * size), size,
                  to.begin() + std::ptrdiff_t(row * size));
    }
    state.past[i].swap(to);
  }
  state.rows = parents.size();
  state.beams = beams;
  state.logits.resize(state.rows * config_.vocabulary);
}

void WhisperModel::Drop(size_t window, EncodedWindows& encoded, DecoderState& state) const {
  const size_t last = state.rows / state.beams - 1;
  state.rows -= state.beams;
  if (window == last) return;
  encoded.Swap(window, last);
  const size_t size = config_.heads * kHead * state.length * state.beams;
  for (auto& cache : state.past) {
    std::copy_n(cache.begin() + std::ptrdiff_t(last * size), size,
                cache.begin() + std::ptrdiff_t(window * size));
  }
}

}  // namespace narralytica::transcript
