#include "transcript/whisper_rules.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

namespace narralytica::transcript {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
// The first timestamp: speech that begins later was not in the window's beginning.
constexpr int64_t kFirstTimestampMaxMs = 1000;

// Values side by side, so that the loops over a vocabulary run on the processor's vector units.
constexpr size_t kLanes = 8;

void Forbid(std::span<float> row, Token begin, Token end) {
  if (begin < end) std::ranges::fill(row.subspan(size_t(begin), size_t(end - begin)), kNever);
}

// exp(x) for x <= 0, to two units in the last place; 0 below -87 (Cephes' expf).
inline float ExpOfNegative(float x) {
  const float bounded = x < -87.0f ? -87.0f : x;
  const float scaled = bounded * 1.44269504f;
  const auto whole = int32_t(scaled - 0.5f);
  const float rest = (bounded - float(whole) * 0.693359375f) + float(whole) * 2.12194440e-4f;
  float sum = 1.9875691500e-4f;
  sum = sum * rest + 1.3981999507e-3f;
  sum = sum * rest + 8.3334519073e-3f;
  sum = sum * rest + 4.1665795894e-2f;
  sum = sum * rest + 1.6666665459e-1f;
  sum = sum * rest + 5.0000001201e-1f;
  sum = sum * rest * rest + rest + 1.0f;
  const float power = std::bit_cast<float>((whole + 127) << 23);
  return x < -87.0f ? 0.0f : sum * power;
}

}  // namespace

float Highest(std::span<const float> values) {
  std::array<float, kLanes> tops;
  tops.fill(kNever);
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      tops[lane] = value > tops[lane] ? value : tops[lane];
    }
  }
  float top = *std::ranges::max_element(tops);
  for (; i < values.size(); ++i) top = std::max(top, values[i]);
  return top;
}

float LogSumExp(std::span<const float> values) {
  const float top = Highest(values);
  if (!std::isfinite(top)) return kNever;
  std::array<float, kLanes> sums{};
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += ExpOfNegative(values[i + lane] - top);
  }
  float sum = std::accumulate(sums.begin(), sums.end(), 0.0f);
  for (; i < values.size(); ++i) sum += ExpOfNegative(values[i] - top);
  return top + std::log(sum);
}

WhisperRules::WhisperRules(const WhisperConfig& config)
    : config_(config), mask_(config.vocabulary, 0.0f) {
  for (const Token token : config.suppressed) mask_[size_t(token)] = kNever;
}

void WhisperRules::Apply(std::span<float> logits, std::span<const Token> history,
                         int64_t end_ms) const {
  const Token text_end = config_.end_of_text;
  const Token begin = config_.timestamp_begin;
  const Token end = Token(config_.vocabulary);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] += mask_[i];
  Forbid(logits, std::min(end, begin + (end_ms + 19) / 20 + 1), end);
  if (history.empty()) {
    for (const Token token : config_.suppressed_first) logits[size_t(token)] = kNever;
    Forbid(logits, 0, begin);
    Forbid(logits, std::min(end, begin + kFirstTimestampMaxMs / 20 + 1), end);
  } else {
    // Timestamps come in pairs, but for the last before the end.
    const bool after_timestamp = config_.IsTimestamp(history.back());
    const bool pair_closed = history.size() < 2 || config_.IsTimestamp(history[history.size() - 2]);
    if (after_timestamp && pair_closed) Forbid(logits, begin, end);
    if (after_timestamp && !pair_closed) Forbid(logits, 0, text_end);
    // Never backwards, and a segment is not empty.
    const auto latest = std::find_if(history.rbegin(), history.rend(),
                                     [&](Token token) { return config_.IsTimestamp(token); });
    const bool may_repeat = after_timestamp && !pair_closed;
    if (latest != history.rend()) Forbid(logits, begin, *latest + (may_repeat ? 0 : 1));
  }
  // When the timestamps together are likelier than any one word, it must be a timestamp.
  const auto words = logits.first(size_t(begin));
  const auto times = logits.subspan(size_t(begin));
  const float times_total = LogSumExp(times);
  if (times_total > Highest(words)) Forbid(logits, 0, begin);
  const float words_total = LogSumExp(words);
  const float top = std::max(words_total, times_total);
  const float total = top + std::log(std::exp(words_total - top) + std::exp(times_total - top));
  for (float& value : logits) value -= total;
}

}  // namespace narralytica::transcript
