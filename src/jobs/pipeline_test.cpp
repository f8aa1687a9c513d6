#include "jobs/pipeline.hpp"

#include <gtest/gtest.h>

namespace narralytica::jobs {
namespace {

Job MakeJob(StageName stage, JobStatus status, double progress = 0) {
  static int count = 0;
  Job job;
  job.id = JobId::FromTrusted("job-" + std::to_string(1000 + ++count));
  job.stage = std::move(stage);
  job.status = status;
  job.progress = progress;
  job.attempts = status == JobStatus::kQueued ? 0 : 1;
  return job;
}

const StageName kIngest{"ingest", ""};
const StageName kDiarize{"diarize", ""};
const StageName kTranscribe{"transcribe", ""};
const StageName kEmbedding{"enrich", "embedding"};
const StageName kIndex{"index", ""};

TEST(Pipeline, SharesAddUpToTheWhole) {
  double sum = 0;
  for (const StageSpec& spec : Pipeline()) sum += spec.share;
  EXPECT_NEAR(sum, 1, 1e-9);
}

TEST(Pipeline, AVideoIsWhatItsJobsSay) {
  EXPECT_EQ(VideoStatusOf({MakeJob(kIngest, JobStatus::kQueued)}), "queued");
  EXPECT_EQ(VideoStatusOf({MakeJob(kIngest, JobStatus::kRunning)}), "processing");
  EXPECT_EQ(VideoStatusOf({MakeJob(kIngest, JobStatus::kFailed)}), "failed");
  std::vector<Job> jobs{
      MakeJob(kIngest, JobStatus::kSucceeded), MakeJob(kTranscribe, JobStatus::kSucceeded),
      MakeJob(kEmbedding, JobStatus::kFailed), MakeJob(kIndex, JobStatus::kSucceeded)};
  EXPECT_EQ(VideoStatusOf(jobs), "partial") << "searchable, and says that something is missing";
  jobs[2].status = JobStatus::kSucceeded;
  EXPECT_EQ(VideoStatusOf(jobs), "ready") << "taken in before speakers were told apart";
  jobs.push_back(MakeJob(kDiarize, JobStatus::kFailed));
  EXPECT_EQ(VideoStatusOf(jobs), "partial");
  jobs.back().status = JobStatus::kSucceeded;
  EXPECT_EQ(VideoStatusOf(jobs), "ready");
  EXPECT_TRUE(IsSearchable(jobs));
  jobs[3].status = JobStatus::kFailed;
  EXPECT_EQ(VideoStatusOf(jobs), "failed");
}

TEST(Pipeline, TheNewestJobOfAStageCounts) {
  std::vector<Job> jobs{MakeJob(kIngest, JobStatus::kFailed),
                        MakeJob(kIngest, JobStatus::kSucceeded),
                        MakeJob(kTranscribe, JobStatus::kRunning)};
  EXPECT_EQ(VideoStatusOf(jobs), "processing");
}

TEST(Pipeline, ProgressGrowsWithTheStages) {
  const std::vector<Job> half{MakeJob(kIngest, JobStatus::kSucceeded),
                              MakeJob(kDiarize, JobStatus::kSucceeded),
                              MakeJob(kTranscribe, JobStatus::kRunning, 0.5)};
  EXPECT_NEAR(OverallProgress(half), 0.05 + 0.3 + 0.25, 1e-9);
}

}  // namespace
}  // namespace narralytica::jobs
