// Peaks of a recording for drawing: the least and the greatest sample of each bucket of equal
// duration, written as docs/formats/waveform.md says. Streaming: buckets start at 50 ms and are
// merged in pairs whenever they would become more than kBucketsMax.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace narralytica::media {

class Waveform {
 public:
  static constexpr int64_t kSampleRate = 16'000;
  static constexpr int64_t kFirstBucketMs = 50;
  static constexpr size_t kBucketsMax = 4'000;

  void Add(std::span<const int16_t> samples);
  // The document; the last bucket may be shorter than the others.
  std::string ToJson() const;

 private:
  struct Bucket {
    int8_t min;
    int8_t max;
  };
  void MergePairs();

  std::vector<Bucket> buckets_;
  int64_t bucket_ms_ = kFirstBucketMs;
  int64_t in_last_ = 0;  // samples in the last bucket
  int64_t samples_ = 0;
};

}  // namespace narralytica::media
