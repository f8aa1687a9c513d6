// Beam search over one window: the hypotheses that are still open, and those that have ended
// (whisper/decoding.py: BeamSearchDecoder with patience 1, MaximumLikelihoodRanker).
#pragma once

#include <span>
#include <vector>

#include "transcript/whisper_rules.hpp"

namespace narralytica::transcript {

struct Hypothesis {
  std::vector<Token> tokens;
  std::vector<float> log_probs;  // of each token
  float sum_logprob = 0;         // the end token's included
  bool looped = false;           // it ended because it repeated itself

  float AvgLogprob() const { return sum_logprob / float(tokens.size() + 1); }
};

class WhisperBeam {
 public:
  WhisperBeam(size_t beams, Token end_of_text) : beams_(beams), end_of_text_(end_of_text) {}

  // Takes the log-probabilities of the next token after each open hypothesis (a single, empty one
  // at first). Afterwards open() has exactly `beams` hypotheses and parents() says which of the
  // former ones each of them continues. Equal scores: the earlier hypothesis, the lower token.
  void Advance(const std::vector<std::span<const float>>& log_probs);

  const std::vector<Hypothesis>& open() const { return open_; }
  const std::vector<size_t>& parents() const { return parents_; }
  // True when as many hypotheses as beams have ended, or the best one only repeats itself.
  bool done() const { return done_; }
  // The likeliest by average log-probability; among those still open when none has ended.
  Hypothesis Best() const;

 private:
  struct Candidate {
    size_t parent;
    Token token;
    float log_prob;
    float sum;
  };
  std::vector<Candidate> Candidates(const std::vector<std::span<const float>>& log_probs) const;

  const size_t beams_;
  const Token end_of_text_;
  std::vector<Hypothesis> open_{Hypothesis()};
  std::vector<Hypothesis> ended_;
  std::vector<size_t> parents_;
  bool done_ = false;
};

// True when `tokens` ends in the same few tokens over and over.
bool EndsInLoop(std::span<const Token> tokens);
// True when `text` (no timestamps) says a phrase of 4 to 24 tokens at least three times in a row.
bool RepeatsAPhrase(std::span<const Token> text);

}  // namespace narralytica::transcript
