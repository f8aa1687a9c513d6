#include "media/media_limits.hpp"

#include <utility>

#include <fmt/format.h>

namespace narralytica::media {

std::vector<std::string> MediaLimits::Validate() const {
  const std::pair<const char*, int64_t> positive[] = {
      {"input_bytes_max", input_bytes_max},
      {"output_bytes_max", output_bytes_max},
      {"decoded_duration_ms_max", decoded_duration_ms_max},
      {"gap_ms_max", gap_ms_max},
      {"streams_max", streams_max},
      {"channels_max", channels_max},
      {"sample_rate_min", sample_rate_min},
      {"frame_pixels_max", frame_pixels_max},
      {"cpu_seconds_base", cpu_seconds_base},
      {"cpu_seconds_per_hour", cpu_seconds_per_hour},
      {"cpu_seconds_max", cpu_seconds_max},
      {"memory_bytes_max", memory_bytes_max},
  };
  std::vector<std::string> problems;
  for (const auto& [name, value] : positive) {
    if (value <= 0) problems.push_back(fmt::format("media.{} must be more than 0", name));
  }
  if (sample_rate_max < sample_rate_min) {
    problems.push_back("media.sample_rate_max must not be less than media.sample_rate_min");
  }
  if (channels_max > 64) problems.push_back("media.channels_max must not be more than 64");
  return problems;
}

}  // namespace narralytica::media
