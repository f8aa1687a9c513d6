#include "media/waveform.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace narralytica::media {

void Waveform::Add(std::span<const int16_t> samples) {
  samples_ += static_cast<int64_t>(samples.size());
  while (!samples.empty()) {
    int64_t bucket_samples = bucket_ms_ * kSampleRate / 1'000;
    if (buckets_.empty() || in_last_ == bucket_samples) {
      if (buckets_.size() == kBucketsMax) {
        MergePairs();
        bucket_samples *= 2;
      }
      buckets_.push_back({127, -128});
      in_last_ = 0;
    }
    const auto now = samples.first(
        std::min<size_t>(samples.size(), static_cast<size_t>(bucket_samples - in_last_)));
    const auto [least, greatest] = std::ranges::minmax(now);
    Bucket& bucket = buckets_.back();
    bucket.min = std::min(bucket.min, static_cast<int8_t>(least >> 8));
    bucket.max = std::max(bucket.max, static_cast<int8_t>(greatest >> 8));
    in_last_ += static_cast<int64_t>(now.size());
    samples = samples.subspan(now.size());
  }
}

void Waveform::MergePairs() {
  for (size_t i = 0; i < buckets_.size() / 2; ++i) {
    const Bucket& a = buckets_[2 * i];
    const Bucket& b = buckets_[2 * i + 1];
    buckets_[i] = {std::min(a.min, b.min), std::max(a.max, b.max)};
  }
  buckets_.resize(buckets_.size() / 2);
  bucket_ms_ *= 2;
}

std::string Waveform::ToJson() const {
  auto least = nlohmann::json::array();
  auto greatest = nlohmann::json::array();
  for (const Bucket& bucket : buckets_) {
    least.push_back(static_cast<int>(bucket.min));
    greatest.push_back(static_cast<int>(bucket.max));
  }
  return nlohmann::json{{"version", 1},
                        {"bucket_ms", bucket_ms_},
                        {"duration_ms", (samples_ * 1'000 + kSampleRate / 2) / kSampleRate},
                        {"min", std::move(least)},
                        {"max", std::move(greatest)}}
      .dump();
}

}  // namespace narralytica::media
