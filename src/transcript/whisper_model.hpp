// One Whisper model on ONNX Runtime: encoder, decoder steps, alignment weights.
//
// Graphs (models/<id>/encoder.onnx and decoder.onnx), with H heads of 64, L decoder layers:
//   encoder: mel [1, bands, 2C] -> cross_k_i [1, H, 64, C], cross_v_i [1, H, C, 64]
//   decoder: tokens, pos [R, S], frames [B], past_{k,v}_i [R, H, P, 64], cross_{k,v}_i
//            -> logits [R, V] of the last position, present_{k,v}_i [R, H, P+S, 64],
//               align [B, A, K*S, C]: softmaxed attention of the alignment heads
// where R = B*K: K hypotheses of each window stand one after the other and share its cross_{k,v}.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "platform/inference/runtime.hpp"
#include "transcript/log_mel.hpp"
#include "transcript/whisper_config.hpp"

namespace narralytica::transcript {

// What the decoder attends to for a batch of windows: keys and values of every layer, row by row.
// A row's frames beyond its own count are zero and masked by the decoder. Rows change places, so
// that those still decoded are always the first ones; `window` says which window a row holds.
struct EncodedWindows {
  size_t frames = 0;                       // C, of the longest row
  std::vector<size_t> window;              // of each row
  std::vector<int64_t> row_frames;         // of each row
  std::vector<std::vector<float>> keys;    // per layer [rows, H, 64, C]
  std::vector<std::vector<float>> values;  // per layer [rows, H, C, 64]

  size_t rows() const { return window.size(); }
  void Swap(size_t row, size_t other);
};

// Decoder caches of a running batch; grows by the tokens of each step.
struct DecoderState {
  size_t rows = 0;                          // windows * beams
  size_t beams = 1;                         // hypotheses of each window
  size_t length = 0;                        // cached positions P, equal in all rows
  std::vector<std::vector<float>> past;     // per layer: keys, then values
  std::vector<std::vector<float>> present;  // what the next step writes; swapped after it
  std::vector<float> logits;                // [rows, V] after a step
};

class WhisperModel {
 public:
  static Result<std::unique_ptr<WhisperModel>> Open(
      std::shared_ptr<const platform::Runtime> runtime, const std::string& model_dir);

  const WhisperConfig& config() const { return config_; }

  // Room for `row_frames.size()` windows; fill each row with Encode.
  EncodedWindows Prepare(std::vector<int64_t> row_frames) const;
  // Encodes `samples` followed by silence up to the row's frames. Different rows may be encoded
  // from different threads at once.
  Status Encode(std::span<const float> samples, size_t row, EncodedWindows& encoded) const;

  // A batch of the first `rows` windows of an EncodedWindows, one hypothesis each.
  DecoderState Start(size_t rows) const;
  // Row i goes on from what row parents[i] has cached; as many `beams` a window from now on.
  void Branch(std::span<const size_t> parents, size_t beams, DecoderState& state) const;
  // Appends `tokens` [state.rows, S] and leaves the logits after the last in `state.logits`.
  Status Step(std::span<const Token> tokens, const EncodedWindows& encoded,
              DecoderState& state) const;
  // Attention of the alignment heads [rows, A, S, C] for whole sequences `tokens` [rows, S].
  Result<std::vector<float>> Align(std::span<const Token> tokens,
                                   const EncodedWindows& encoded) const;

  // Takes a window with all its hypotheses out of the running batch: the last one takes its place,
  // in both.
  void Drop(size_t window, EncodedWindows& encoded, DecoderState& state) const;

 private:
  WhisperModel(WhisperConfig config, std::unique_ptr<platform::Session> encoder,
               std::unique_ptr<platform::Session> decoder);
  std::vector<platform::Tensor> CrossInputs(const EncodedWindows& encoded, size_t rows) const;

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
