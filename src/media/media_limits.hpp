// What a recording may cost. Every limit is enforced in the media child, the ones marked (kernel)
// also by the kernel, so that a defect in a decoder cannot exceed them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace narralytica::media {

struct MediaLimits {
  int64_t input_bytes_max = 64'000'000'000;
  int64_t output_bytes_max = 8'000'000'000;  // of any one output (kernel)
  int64_t decoded_duration_ms_max = 12 * 3'600'000;
  // A longer jump forward in the timestamps is taken for a defect: no silence is put in its place.
  int64_t gap_ms_max = 3'600'000;
  int64_t streams_max = 64;
  int64_t channels_max = 64;  // of the audio stream
  int64_t sample_rate_min = 1'000;
  int64_t sample_rate_max = 768'000;
  int64_t frame_pixels_max = 8'192LL * 8'192;
  // CPU time: what opening may take, and what an hour of decoded sound adds; then the ceiling.
  int64_t cpu_seconds_base = 60;
  int64_t cpu_seconds_per_hour = 900;
  int64_t cpu_seconds_max = 7'200;                     // (kernel)
  int64_t memory_bytes_max = 1'024LL * 1'024 * 1'024;  // address space (kernel)

  // All problems, each naming the limit; empty when there are none.
  std::vector<std::string> Validate() const;
  bool operator==(const MediaLimits&) const = default;
};

}  // namespace narralytica::media
