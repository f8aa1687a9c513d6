// Batched decoding of encoded windows: language, beam search, tokens with their probabilities,
// temperature fallback (Radford et al. 2022, section 4.5; the reference's whisper/transcribe.py).
//
// Everything here is a function of its arguments alone: sampling is seeded by the caller, rows do
// not influence each other.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "transcript/whisper_beam.hpp"
#include "transcript/whisper_model.hpp"
#include "transcript/whisper_rules.hpp"

namespace narralytica::transcript {

// One window as decoded.
struct DecodedWindow {
  std::string language;
  float language_probability = 0;
  float no_speech_prob = 0;
  float avg_logprob = 0;
  float compression_ratio = 0;
  float temperature = 0;
  std::vector<Token> tokens;     // text and timestamps, without prompt and end; empty: no speech
  std::vector<float> log_probs;  // of each token
};

// Weight of each language by its code, from what is known beyond a window; need not sum to 1.
using LanguageWeights = std::map<std::string, double>;

struct DecodeRequest {
  std::string language;         // a code, or empty: detect
  LanguageWeights prior;        // seconds of speech already known to be in each language
  std::vector<int64_t> end_ms;  // of each window, padding excluded
  std::vector<uint64_t> seeds;  // of each window, for sampling
};

class WhisperDecoder {
 public:
  explicit WhisperDecoder(const WhisperModel& model);

  // Decodes all windows of `encoded` (whose rows may end in another order); results by window.
  // Between steps the deadline is looked at. Thread-safe for different `encoded`.
  Result<std::vector<DecodedWindow>> Decode(const DecodeRequest& request, EncodedWindows& encoded,
                                            const Deadline& deadline) const;

 private:
  Status Detect(const DecodeRequest& request, EncodedWindows& encoded,
                std::vector<DecodedWindow>& windows) const;
  void ChooseLanguages(const DecodeRequest& request,
                       const std::vector<std::vector<double>>& probabilities,
                       std::vector<DecodedWindow>& windows) const;
  struct Sampling;
  struct NextRows;
  std::vector<Token> Follow(const NextRows& rows, DecoderState& state) const;
  std::vector<Token> Prompts(const Sampling& sampling, const EncodedWindows& encoded) const;
  Result<std::vector<Hypothesis>> Search(const Sampling& sampling, EncodedWindows& encoded,
                                         const Deadline& deadline) const;
  Result<std::vector<Hypothesis>> Sample(const Sampling& sampling, EncodedWindows& encoded,
                                         const Deadline& deadline) const;

  const WhisperModel& model_;
  const WhisperConfig& config_;
  WhisperRules rules_;
};

// The prompt before a window's text: start, and for multilingual models language and task.
std::vector<Token> WhisperPrompt(const WhisperConfig& config, const std::string& language);

// Bytes over deflated bytes; 0 for an empty text. Loops compress too well.
float CompressionRatio(std::string_view text);

}  // namespace narralytica::transcript
