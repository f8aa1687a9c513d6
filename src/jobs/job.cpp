#include "jobs/job.hpp"

#include <array>

#include "base/result.hpp"

namespace narralytica::jobs {
namespace {

constexpr std::array<std::string_view, 5> kNames{"queued", "running", "succeeded", "failed",
                                                 "canceled"};

}  // namespace

std::string_view ToString(JobStatus status) { return kNames[static_cast<size_t>(status)]; }

JobStatus JobStatusFromTrusted(std::string_view text) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<JobStatus>(i);
  }
  AssertFailed("a job status of the database", __FILE__, __LINE__);
}

}  // namespace narralytica::jobs
