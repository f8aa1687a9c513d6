// Beam search over one window: the hypotheses that are still open, and those that have ended
// (whisper/decoding.py: BeamSearchDecoder with patience 1, MaximumLikelihoodRanker), without those
// that are far less likely than the best one: they cost most of the time and hardly ever win.
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

struct BeamRules {
  size_t beams = 5;
  // A hypothesis is followed while its log-probability is at most this much below the best one's.
  float behind_max = 3.0f;
};

class WhisperBeam {
 public:
  WhisperBeam(BeamRules rules, Token end_of_text) : rules_(rules), end_of_text_(end_of_text) {}

  // Takes the log-probabilities of the next token after each open hypothesis (a single, empty one
  // at first). Afterwards open() has one to `beams` hypotheses, unless it is done, and parents()
  // says which of the former ones each of them continues. Equal scores: the earlier hypothesis,
  // the lower token.
  void Advance(const std::vector<std::span<const float>>& log_probs);

  const std::vector<Hypothesis>& open() const { return open_; }
  const std::vector<size_t>& parents() const { return parents_; }
  // True when as many hypotheses as beams have ended, none that is open is worth following, or the
  // best one only repeats itself.
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

  const BeamRules rules_;
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
