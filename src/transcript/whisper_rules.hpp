// Which token may come next, and how likely: the reference's filters over one row of logits
// (whisper/decoding.py: SuppressTokens, SuppressBlank, ApplyTimestampRules).
#pragma once

#include <span>
#include <vector>

#include "transcript/whisper_config.hpp"

namespace narralytica::transcript {

class WhisperRules {
 public:
  explicit WhisperRules(const WhisperConfig& config);

  // Turns the logits of the token after `history` (sampled tokens, prompt excluded) into
  // log-probabilities of the tokens that the rules leave, renormalised over them; the others
  // become -infinity. `end_ms` bounds timestamps: the window holds nothing later. Thread-safe.
  void Apply(std::span<float> logits, std::span<const Token> history, int64_t end_ms) const;

 private:
  const WhisperConfig& config_;
  std::vector<float> mask_;  // 0 or -infinity, added to every row
};

// The highest of `values`; -infinity of none.
float Highest(std::span<const float> values);

// log(sum(exp(values))); -infinity for an empty or impossible set.
float LogSumExp(std::span<const float> values);

}  // namespace narralytica::transcript
