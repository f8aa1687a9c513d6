#include "transcript/whisper_beam.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "transcript/whisper_rules.hpp"

namespace narralytica::transcript {
namespace {

// A loop: a few tokens repeated this often, covering at least so many.
constexpr size_t kLoopPeriodMax = 24;
constexpr size_t kLoopRepeats = 4;
constexpr size_t kLoopTokensMin = 24;
constexpr size_t kPhraseTokensMin = 4;

// Tokens looked at together: most of a vocabulary is passed over by its highest alone.
constexpr size_t kBlock = 64;

// The `count` likeliest tokens of a row, best first.
std::vector<Token> Likeliest(std::span<const float> log_probs, size_t count) {
  std::vector<Token> best;
  const auto better = [&](Token a, Token b) {
    const float pa = log_probs[size_t(a)], pb = log_probs[size_t(b)];
    return pa != pb ? pa > pb : a < b;
  };
  for (size_t begin = 0; begin < log_probs.size(); begin += kBlock) {
    const auto block = log_probs.subspan(begin, std::min(kBlock, log_probs.size() - begin));
    if (best.size() == count && Highest(block) <= log_probs[size_t(best.back())]) continue;
    for (size_t i = begin; i < begin + block.size(); ++i) {
      const auto token = Token(i);
      if (best.size() == count && !better(token, best.back())) continue;
      if (!std::isfinite(log_probs[i])) continue;
      best.insert(std::ranges::upper_bound(best, token, better), token);
      if (best.size() > count) best.pop_back();
    }
  }
  return best;
}

}  // namespace

std::vector<WhisperBeam::Candidate> WhisperBeam::Candidates(
    const std::vector<std::span<const float>>& log_probs) const {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < open_.size(); ++i) {
    for (const Token token : Likeliest(log_probs[i], rules_.beams + 1)) {
      const float log_prob = log_probs[i][size_t(token)];
      candidates.push_back({i, token, log_prob, open_[i].sum_logprob + log_prob});
    }
  }
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return std::tuple(-a.sum, a.parent, a.token) < std::tuple(-b.sum, b.parent, b.token);
  });
  return candidates;
}

void WhisperBeam::Advance(const std::vector<std::span<const float>>& log_probs) {
  std::vector<Hypothesis> next;
  parents_.clear();
  float best = -std::numeric_limits<float>::infinity();
  for (const Hypothesis& ended : ended_) best = std::max(best, ended.sum_logprob);
  for (const Candidate& candidate : Candidates(log_probs)) {
    best = std::max(best, candidate.sum);
    if (next.size() == rules_.beams || candidate.sum < best - rules_.behind_max) break;
    Hypothesis hypothesis = open_[candidate.parent];
    hypothesis.sum_logprob = candidate.sum;
    if (candidate.token == end_of_text_) {
      if (ended_.size() < rules_.beams) ended_.push_back(std::move(hypothesis));
      continue;
    }
    hypothesis.tokens.push_back(candidate.token);
    hypothesis.log_probs.push_back(candidate.log_prob);
    next.push_back(std::move(hypothesis));
    parents_.push_back(candidate.parent);
  }
  done_ = ended_.size() >= rules_.beams || next.empty();
  if (next.empty()) return;
  open_ = std::move(next);
  if (EndsInLoop(open_.front().tokens)) {
    open_.front().looped = true;
    done_ = true;
  }
}

Hypothesis WhisperBeam::Best() const {
  if (open_.front().looped) return open_.front();
  const std::vector<Hypothesis>& among = ended_.empty() ? open_ : ended_;
  return *std::ranges::max_element(among, {}, &Hypothesis::AvgLogprob);
}

bool RepeatsAPhrase(std::span<const Token> text) {
  for (size_t period = kPhraseTokensMin; period <= kLoopPeriodMax; ++period) {
    size_t equal = 0;  // tokens in a row that stood one period earlier too
    for (size_t i = period; i < text.size(); ++i) {
      equal = text[i] == text[i - period] ? equal + 1 : 0;
      if (equal == 2 * period) return true;
    }
  }
  return false;
}

bool EndsInLoop(std::span<const Token> tokens) {
  for (size_t period = 1; period <= kLoopPeriodMax; ++period) {
    const size_t length = std::max(kLoopTokensMin, kLoopRepeats * period);
    if (tokens.size() < length) return false;
    const auto tail = tokens.last(length);
    if (std::equal(tail.begin() + std::ptrdiff_t(period), tail.end(), tail.begin())) return true;
  }
  return false;
}

}  // namespace narralytica::transcript
