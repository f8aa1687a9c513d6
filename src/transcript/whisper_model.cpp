#include "transcript/whisper_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

// Where the rows of windows stand in attention, which has the same room for every window.
struct RowPlaces {
  std::vector<int64_t> row_at;
  std::vector<int64_t> place_of;
};

RowPlaces PlacesOf(const std::vector<size_t>& counts) {
  const size_t most = *std::ranges::max_element(counts);
  RowPlaces places;
  int64_t row = 0;
  for (const size_t count : counts) {
    for (size_t i = 0; i < most; ++i) {
      if (i < count) places.place_of.push_back(std::ssize(places.row_at));
      places.row_at.push_back(row + int64_t(std::min(i, count - 1)));
    }
    row += int64_t(count);
  }
  return places;
}

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

EncodedWindows WhisperModel::Prepare(const std::vector<size_t>& samples) const {
  EncodedWindows encoded;
  encoded.window.resize(samples.size());
  std::iota(encoded.window.begin(), encoded.window.end(), size_t{0});
  for (const size_t count : samples) {
    encoded.chosen.push_back(PlacesFor(count, int64_t(config_.frames_max)));
    encoded.places = std::max(encoded.places, encoded.chosen.back().count());
  }
  encoded.shares.assign(encoded.rows() * encoded.places, 0.0f);
  for (size_t row = 0; row < encoded.rows(); ++row) {
    std::ranges::copy(encoded.chosen[row].shares, &encoded.shares[row * encoded.places]);
  }
  const size_t size = encoded.rows() * config_.heads * kHead * encoded.places;
  encoded.keys.assign(config_.layers, std::vector<float>(size));
  encoded.values.assign(config_.layers, std::vector<float>(size));
  return encoded;
}

Status WhisperModel::Encode(std::span<const float> samples, size_t row,
                            EncodedWindows& encoded) const {
  const EncoderPlaces& chosen = encoded.chosen[encoded.window[row]];
  std::vector<float> mel(config_.mel_bands * size_t(chosen.frames) * 2);
  log_mel_.Compute(samples, size_t(chosen.frames) * 2, mel);
  const size_t places = chosen.count();
  const auto heads = int64_t(config_.heads);
  const auto count = int64_t(places);
  const std::array<Tensor, 4> inputs{
      Tensor("mel", mel.data(), Shape{1, int64_t(config_.mel_bands), chosen.frames * 2}),
      Tensor("sources", chosen.sources.data(), Shape{count}),
      Tensor("places", chosen.places.data(), Shape{count}),
      Tensor("shares", chosen.shares.data(), Shape{count})};
  const size_t row_size = config_.heads * kHead * encoded.places;
  // A row as long as the batch is written in place; a shorter one takes a detour, since its keys
  // are [64, frames] with another stride.
  const bool direct = places == encoded.places;
  const size_t size = config_.heads * kHead * places;
  std::vector<float> own(direct ? 0 : size * config_.layers * 2);
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < config_.layers; ++i) {
    float* key = direct ? &encoded.keys[i][row * row_size] : &own[2 * i * size];
    float* value = direct ? &encoded.values[i][row * row_size] : &own[(2 * i + 1) * size];
    outputs.emplace_back(names_[i].cross_key.c_str(), key, Shape{1, heads, kHead, count});
    outputs.emplace_back(names_[i].cross_value.c_str(), value, Shape{1, heads, count, kHead});
  }
  NRL_CHECK(encoder_->Run(inputs, outputs));
  if (direct) return {};
  for (size_t i = 0; i < config_.layers; ++i) {
    for (size_t line = 0; line < config_.heads * kHead; ++line) {
      std::memcpy(&encoded.keys[i][row * row_size + line * encoded.places],
                  &own[2 * i * size + line * places], places * sizeof(float));
    }
    for (size_t head = 0; head < config_.heads; ++head) {
      std::memcpy(&encoded.values[i][row * row_size + head * encoded.places * kHead],
                  &own[(2 * i + 1) * size + head * places * kHead], places * kHead * sizeof(float));
    }
  }
  return {};
}

std::vector<Tensor> WhisperModel::CrossInputs(const EncodedWindows& encoded, size_t count) const {
  const auto windows = int64_t(count);
  const auto heads = int64_t(config_.heads);
  const auto places = int64_t(encoded.places);
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < config_.layers; ++i) {
    inputs.emplace_back(names_[i].cross_key.c_str(), encoded.keys[i].data(),
                        Shape{windows, heads, kHead, places});
    inputs.emplace_back(names_[i].cross_value.c_str(), encoded.values[i].data(),
                        Shape{windows, heads, places, kHead});
  }
  inputs.emplace_back("shares", encoded.shares.data(), Shape{windows, places});
  return inputs;
}

size_t DecoderState::rows() const {
  return std::accumulate(counts.begin(), counts.end(), size_t{});
}

DecoderState WhisperModel::Start(size_t windows) const {
  DecoderState state;
  state.counts.assign(windows, 1);
  state.past.resize(config_.layers * 2);
  state.present.resize(config_.layers * 2);
  state.logits.resize(windows * config_.vocabulary);
  return state;
}

Status WhisperModel::Step(std::span<const Token> tokens, const EncodedWindows& encoded,
                          DecoderState& state) const {
  const size_t added = tokens.size() / state.rows();
  NRL_ASSERT(state.windows() <= encoded.rows() && state.length + added <= config_.tokens_max);
  const size_t needed = state.rows() * config_.heads * kHead * (state.length + added);
  for (auto& cache : state.present) {  // ahead of what is needed, so that it seldom grows
    if (cache.size() < needed) cache.resize(needed + needed / 2);
  }
  std::vector<int64_t> positions(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) positions[i] = int64_t(state.length + i % added);
  const RowPlaces places = PlacesOf(state.counts);
  const auto rows = int64_t(state.rows());
  const auto heads = int64_t(config_.heads);
  const Shape past{rows, heads, int64_t(state.length), kHead};
  const Shape present{rows, heads, int64_t(state.length + added), kHead};
  std::vector<Tensor> inputs = CrossInputs(encoded, state.windows());
  inputs.emplace_back("tokens", tokens.data(), Shape{rows, int64_t(added)});
  inputs.emplace_back("pos", positions.data(), Shape{rows, int64_t(added)});
  inputs.emplace_back("row_at", places.row_at.data(), Shape{std::ssize(places.row_at)});
  inputs.emplace_back("place_of", places.place_of.data(), Shape{rows});
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
  const RowPlaces places = PlacesOf(std::vector<size_t>(encoded.rows(), 1));
  const auto rows = int64_t(encoded.rows());
  const auto heads = int64_t(config_.heads);
  const Shape none{rows, heads, 0, kHead};
  const float empty = 0;
  std::vector<Tensor> inputs = CrossInputs(encoded, encoded.rows());
  inputs.emplace_back("tokens", tokens.data(), Shape{rows, int64_t(length)});
  inputs.emplace_back("pos", positions.data(), Shape{rows, int64_t(length)});
  inputs.emplace_back("row_at", places.row_at.data(), Shape{rows});
  inputs.emplace_back("place_of", places.place_of.data(), Shape{rows});
  for (const LayerNames& names : names_) {
    inputs.emplace_back(names.past_key.c_str(), &empty, none);
    inputs.emplace_back(names.past_value.c_str(), &empty, none);
  }
  std::vector<float> weights(encoded.rows() * config_.alignment_heads * length * encoded.places);
  const Tensor output(
      "align", weights.data(),
      Shape{rows, int64_t(config_.alignment_heads), int64_t(length), int64_t(encoded.places)});
  NRL_CHECK(decoder_->RunAndGiveBack(inputs, std::span(&output, 1)));
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
  swap_rows(shares);
  std::swap(window[row], window[other]);
}

void WhisperModel::Branch(std::span<const size_t> parents, std::vector<size_t> counts,
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
  state.counts = std::move(counts);
  NRL_ASSERT(state.rows() == parents.size());
  state.logits.resize(state.rows() * config_.vocabulary);
}

}  // namespace narralytica::transcript
