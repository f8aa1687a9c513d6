#include "access/limits.hpp"

#include <algorithm>
#include <cmath>

namespace narralytica::access {
namespace {

constexpr int64_t kForgetEveryMs = 10'000;

int64_t CeilSeconds(double ms) { return static_cast<int64_t>(std::ceil(ms / 1'000)); }

}  // namespace

LimitState Limits::Take(const Limit& limit, const std::string& who) {
  const std::lock_guard lock(mutex_);
  const int64_t now_ms = clock_.BootMs();
  if (now_ms - forgot_at_ms_ >= kForgetEveryMs || buckets_.size() >= kBucketsMax) Forget(now_ms);
  const auto capacity = static_cast<double>(limit.requests);
  const double per_ms = capacity / static_cast<double>(limit.window_s * 1'000);
  auto [found, is_new] = buckets_.try_emplace(limit.name + " " + who);
  Bucket& bucket = found->second;
  if (is_new) bucket = {capacity, now_ms, now_ms};
  bucket.tokens =
      std::min(capacity, bucket.tokens + static_cast<double>(now_ms - bucket.at_ms) * per_ms);
  bucket.at_ms = now_ms;
  LimitState state;
  state.allowed = bucket.tokens >= 1;
  if (state.allowed) bucket.tokens -= 1;
  const double full_in_ms = (capacity - bucket.tokens) / per_ms;
  bucket.full_at_ms = now_ms + static_cast<int64_t>(std::ceil(full_in_ms));
  state.remaining = static_cast<int64_t>(bucket.tokens);
  state.reset_s = CeilSeconds(full_in_ms);
  if (!state.allowed) state.retry_s = CeilSeconds((1 - bucket.tokens) / per_ms);
  return state;
}

void Limits::Forget(int64_t now_ms) {
  std::erase_if(buckets_, [&](const auto& entry) { return entry.second.full_at_ms <= now_ms; });
  forgot_at_ms_ = now_ms;
}

}  // namespace narralytica::access
