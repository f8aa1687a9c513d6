// One Whisper model on ONNX Runtime: encoder, decoder steps, alignment weights.
//
// Graphs (models/<id>/encoder.onnx and decoder.onnx), with H heads of 64, L decoder layers:
//   encoder: mel [1, bands, T], sources, places, shares [C]
//            -> cross_k_i [1, H, 64, C], cross_v_i [1, H, C, 64]
//   decoder: tokens, pos [R, S], row_at [B*K], place_of [R], shares [B, C],
//            past_{k,v}_i [R, H, P, 64], cross_{k,v}_i
//            -> logits [R, V] of the last position, present_{k,v}_i [R, H, P+S, 64],
//               align [B, A, K*S, C]: softmaxed attention of the alignment heads
// R rows are the hypotheses of B windows, one window's after the other's; at most K of each, which
// share its cross_{k,v} (tools/convert/whisper.py).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "platform/inference/runtime.hpp"
#include "transcript/encoder_places.hpp"
#include "transcript/log_mel.hpp"
#include "transcript/whisper_config.hpp"

namespace narralytica::transcript {

// What the decoder attends to for a batch of windows: keys and values of every layer, row by row.
// A row's positions beyond its own count are zero and have no share. Rows change places, so that
// those still decoded are always the first ones; `window` says which window a row holds.
struct EncodedWindows {
  size_t places = 0;                       // C, of the longest row
  std::vector<size_t> window;              // of each row
  std::vector<EncoderPlaces> chosen;       // of each window
  std::vector<float> shares;               // [rows, C]
  std::vector<std::vector<float>> keys;    // per layer [rows, H, 64, C]
  std::vector<std::vector<float>> values;  // per layer [rows, H, C, 64]

  size_t rows() const { return window.size(); }
  void Swap(size_t row, size_t other);
};

// Decoder caches of a running batch; grows by the tokens of each step.
struct DecoderState {
  std::vector<size_t> counts;               // hypotheses of each window, in the order of the rows
  size_t length = 0;                        // cached positions P, equal in all rows
  std::vector<std::vector<float>> past;     // per layer: keys, then values
  std::vector<std::vector<float>> present;  // what the next step writes; swapped after it
  std::vector<float> logits;                // [rows, V] after a step

  size_t windows() const { return counts.size(); }
  size_t rows() const;
};

class WhisperModel {
 public:
  static Result<std::unique_ptr<WhisperModel>> Open(
      std::shared_ptr<const platform::Runtime> runtime, const std::string& model_dir);

  const WhisperConfig& config() const { return config_; }

  // Room for windows of so many samples each; fill each row with Encode.
  EncodedWindows Prepare(const std::vector<size_t>& samples) const;
  // Encodes `samples`, of which there are as many as was said, followed by silence. Different rows
  // may be encoded from different threads at once.
  Status Encode(std::span<const float> samples, size_t row, EncodedWindows& encoded) const;

  // A batch of the first `windows` windows of an EncodedWindows, one hypothesis each.
  DecoderState Start(size_t windows) const;
  // Row i goes on from what row parents[i] has cached; counts[w] of them are of the w-th window.
  void Branch(std::span<const size_t> parents, std::vector<size_t> counts,
              DecoderState& state) const;
  // Appends `tokens` [rows, S] and leaves the logits after the last in `state.logits`.
  Status Step(std::span<const Token> tokens, const EncodedWindows& encoded,
              DecoderState& state) const;
  // Attention of the alignment heads [rows, A, S, C] for whole sequences `tokens` [rows, S].
  Result<std::vector<float>> Align(std::span<const Token> tokens,
                                   const EncodedWindows& encoded) const;

 private:
  WhisperModel(WhisperConfig config, std::unique_ptr<platform::Session> encoder,
               std::unique_ptr<platform::Session> decoder);
  std::vector<platform::Tensor> CrossInputs(const EncodedWindows& encoded, size_t windows) const;

  WhisperConfig config_;
  LogMel log_mel_;
  std::unique_ptr<platform::Session> encoder_;
  std::unique_ptr<platform::Session> decoder_;
  struct LayerNames {
    std::string cross_key, cross_value, past_key, past_value, present_key, present_value;
  };
  std::vector<LayerNames> names_;
};

}  // namespace narralytica::transcript
