#include "jobs/queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "jobs/changes.hpp"
#include "jobs/lease.hpp"
#include "jobs/outcome.hpp"
#include "jobs/pipeline.hpp"
#include "platform/file.hpp"
#include "platform/sql/test_databases.hpp"

namespace narralytica::jobs {
namespace {

using access::Tx;

class QueueFixture : public testing::Test {
 protected:
  virtual platform::SqlDialect Dialect() const = 0;

  void SetUp() override {
    folder_.emplace(std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "queue")));
    database_ = platform::FreshDatabase(Dialect(), folder_->path());
    platform::SetLeaseClock(*database_, clock_);
    static constexpr platform::Statement kTenant{
        "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'default', 0)"};
    ASSERT_TRUE(access::Write(*database_, scope_, [&](Tx& tx) -> Status {
      NRL_CHECK(tx.Execute(kTenant, scope_.tenant));
      return {};
    }));
    queue_.emplace(*database_, environment_, QueueConfig{});
  }

  void Advance(int64_t duration_ms) {
    clock_.Advance(duration_ms);
    platform::SetLeaseClock(*database_, clock_);
  }
  JobId Enqueue(std::string unique_key = {}, int attempts_max = 3) {
    const NewJob job{.stage = {"transcribe", ""},
                     .video = VideoId::New(environment_),
                     .payload = "{}",
                     .priority = 0,
                     .attempts_max = attempts_max,
                     .unique_key = std::move(unique_key)};
    return *access::Write(*database_, scope_, [&](Tx& tx) { return queue_->Enqueue(tx, job); });
  }
  Job Get(const JobId& id) {
    return *access::Read(*database_, scope_, [&](Tx& tx) { return queue_->Get(tx, id); });
  }
  ClaimedJob Claim() { return std::move(**queue_->Claim(worker_)); }
  Status Complete(const Lease& lease) {
    return access::Write(*database_, scope_, [&](Tx& tx) -> Status {
      NRL_CHECK(queue_->Fence(tx, lease));
      return queue_->Complete(tx, lease);
    });
  }
  Job FailAttempt(const Lease& lease, Error error) {
    return *access::Write(*database_, scope_,
                          [&](Tx& tx) { return queue_->FailAttempt(tx, lease, error); });
  }

  FakeClock clock_{UtcMs{1'700'000'000'000}};
  SeededRandom random_{1};
  Environment environment_{clock_, random_};
  access::Scope scope_{access::DefaultTenant(), "test", "trace-1"};
  WorkerId worker_ = WorkerId::New(environment_);
  std::optional<platform::TemporaryFolder> folder_;
  std::unique_ptr<platform::Database> database_;
  std::optional<Queue> queue_;
};

class QueueTest : public QueueFixture, public testing::WithParamInterface<platform::SqlDialect> {
  platform::SqlDialect Dialect() const override { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Databases, QueueTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(QueueTest, AFullDiskIsWaitedForAndCostsNoAttempt) {
  const JobId id = Enqueue();
  const Error full{ErrorCode::kUnavailable, "the disk is full", {}, {}, platform::kDiskFull};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(FailAttempt(Claim().lease, full).status, JobStatus::kQueued);
    Advance(100'000);
  }
  const Job job = Get(id);
  EXPECT_EQ(job.attempts, 0);
  EXPECT_EQ(job.error->reason, platform::kDiskFull);
  // The twin: any other failure uses them up.
  Error other = full;
  other.reason.clear();
  for (int i = 0; i < 3; ++i) {
    FailAttempt(Claim().lease, other);
    Advance(100'000);
  }
  EXPECT_TRUE(Get(id).dead_letter);
}

TEST_P(QueueTest, AnAbortedTransactionHasNoJob) {
  const auto aborted = access::Write(*database_, scope_, [&](Tx& tx) -> Status {
    NRL_CHECK(queue_->Enqueue(tx, {.stage = {"ingest", ""},
                                   .video = VideoId::New(environment_),
                                   .payload = "{}",
                                   .priority = 0,
                                   .attempts_max = 1,
                                   .unique_key = ""}));
    return Fail(ErrorCode::kInternal, "changed its mind");
  });
  EXPECT_FALSE(aborted);
  EXPECT_FALSE(queue_->Claim(worker_)->has_value());
}

TEST_P(QueueTest, UniqueJobsAreOneUnderARace) {
  std::set<std::string> ids;
  std::mutex mutex;
  {
    std::vector<std::jthread> racers;
    for (int i = 0; i < 64; ++i) {
      racers.emplace_back([&] {
        const JobId id = Enqueue("same");
        const std::lock_guard lock(mutex);
        ids.insert(id.str());
      });
    }
  }
  EXPECT_EQ(ids.size(), 1U);
}

TEST_P(QueueTest, ALeaseThatRanOutGoesToAnotherAndTheOldHolderIsRefused) {
  const JobId id = Enqueue();
  const ClaimedJob first = Claim();
  EXPECT_FALSE(queue_->Claim(worker_)->has_value()) << "held";
  Advance(QueueConfig{}.lease_ms + 1);
  const ClaimedJob second = Claim();
  EXPECT_EQ(second.job.id, id);
  EXPECT_GT(second.lease.epoch, first.lease.epoch);
  EXPECT_TRUE(queue_->Heartbeat(first.lease, {})->lost);
  EXPECT_EQ(queue_->AppendCheckpoint(first.lease, 0, "late").error().reason, "lease_lost");
  EXPECT_EQ(Complete(first.lease).error().reason, "lease_lost");
  EXPECT_TRUE(Complete(second.lease));
  EXPECT_EQ(Get(id).status, JobStatus::kSucceeded);
}

TEST_P(QueueTest, HeartbeatsKeepALongJobAlive) {
  Enqueue();
  const ClaimedJob claimed = Claim();
  for (int i = 0; i < 10; ++i) {
    Advance(10'000);
    ASSERT_FALSE(queue_->Heartbeat(claimed.lease, {0.1 * i, "decoding", 5})->lost);
    ASSERT_FALSE(queue_->Claim(worker_)->has_value());
  }
  EXPECT_NEAR(Get(claimed.job.id).progress, 0.9, 1e-9);
  ASSERT_TRUE(queue_->Heartbeat(claimed.lease, {0.2, "decoding", 5}));
  EXPECT_NEAR(Get(claimed.job.id).progress, 0.9, 1e-9) << "progress never falls";
}

TEST_P(QueueTest, CheckpointsSurviveTheWorkerAndGoWithSuccess) {
  Enqueue();
  const ClaimedJob first = Claim();
  ASSERT_TRUE(queue_->AppendCheckpoint(first.lease, 0, "one"));
  ASSERT_TRUE(queue_->AppendCheckpoint(first.lease, 1, "two"));
  Advance(QueueConfig{}.lease_ms + 1);
  const ClaimedJob second = Claim();
  EXPECT_THAT(*queue_->LoadCheckpoints(second.lease), testing::ElementsAre("one", "two"));
  ASSERT_TRUE(Complete(second.lease));
  EXPECT_THAT(*queue_->LoadCheckpoints(second.lease), testing::IsEmpty());
}

TEST_P(QueueTest, PermanentErrorsAreDeadLettersAtOnceAndCanBeRedriven) {
  const JobId id = Enqueue();
  const Job failed = FailAttempt(
      Claim().lease, {ErrorCode::kInvalid, "no sound", "give another file", {}, "media_no_audio"});
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_TRUE(failed.dead_letter);
  EXPECT_EQ(failed.error->reason, "media_no_audio");
  EXPECT_FALSE(queue_->Claim(worker_)->has_value());
  ASSERT_TRUE(access::Write(*database_, scope_, [&](Tx& tx) { return queue_->Redrive(tx, id); }));
  EXPECT_EQ(Claim().job.attempts, 1);
}

TEST_P(QueueTest, TransientErrorsWaitAndTryAgainUntilTheAttemptsAreUsedUp) {
  Enqueue("", 2);
  const Error down{ErrorCode::kUnavailable, "the engine is down", {}, {}, {}};
  const Job retried = FailAttempt(Claim().lease, down);
  EXPECT_EQ(retried.status, JobStatus::kQueued);
  EXPECT_LE(retried.run_at.value - clock_.Now().value, QueueConfig{}.backoff_base_ms);
  Advance(QueueConfig{}.backoff_base_ms + 1);
  const ClaimedJob second = Claim();
  EXPECT_EQ(second.job.attempts, 2);
  const Job failed = FailAttempt(second.lease, down);
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_TRUE(failed.dead_letter);
}

TEST_P(QueueTest, AJobThatKillsItsWorkersIsQuarantinedAndOthersGoOn) {
  const JobId poison = Enqueue();
  for (int i = 0; i < QueueConfig{}.kills_max; ++i) {
    ASSERT_EQ(Claim().job.id, poison);
    Advance(QueueConfig{}.lease_ms + 1);
  }
  std::set<std::string> healthy;
  for (int i = 0; i < 100; ++i) healthy.insert(Enqueue().str());
  for (int i = 0; i < 100; ++i) {
    const ClaimedJob claimed = Claim();
    EXPECT_EQ(healthy.erase(claimed.job.id.str()), 1U);
    ASSERT_TRUE(Complete(claimed.lease));
  }
  const Job job = Get(poison);
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_EQ(job.error->reason, "poison");
  EXPECT_TRUE(job.dead_letter);
}

TEST_P(QueueTest, ReleasingUsesUpNoAttempt) {
  const JobId id = Enqueue();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue_->Release(Claim().lease));
  EXPECT_EQ(Get(id).status, JobStatus::kQueued);
  EXPECT_EQ(Get(id).attempts, 0);
}

TEST_P(QueueTest, AReleasedJobIsNextAgain) {
  const JobId first = Enqueue();
  Advance(5'000);
  const JobId second = Enqueue();
  const ClaimedJob claimed = Claim();
  ASSERT_EQ(claimed.job.id, first);
  Advance(5'000);
  ASSERT_TRUE(queue_->Release(claimed.lease));
  EXPECT_EQ(Claim().job.id, first) << "its place in the queue is its own";
  EXPECT_EQ(Claim().job.id, second);
}

// What gives a job back and sets when it is due anew, as a failed attempt does, lets others pass.
TEST_P(QueueTest, TwinAJobThatIsDueAnewIsPassedBy) {
  const JobId first = Enqueue();
  const ClaimedJob claimed = Claim();
  Advance(5'000);
  const JobId second = Enqueue();
  ASSERT_TRUE(access::Write(*database_, scope_, [&](Tx& tx) {
    return queue_->FailAttempt(tx, claimed.lease, {ErrorCode::kUnavailable, "down"});
  }));
  Advance(QueueConfig{}.backoff_cap_ms);
  EXPECT_EQ(Claim().job.id, second);
  EXPECT_EQ(Claim().job.id, first);
}

TEST_P(QueueTest, CancelTakesQueuedJobsAtOnceAndTellsRunningOnes) {
  const JobId waiting = Enqueue();
  const auto cancel = [&](const JobId& id) {
    return access::Write(*database_, scope_, [&](Tx& tx) { return queue_->RequestCancel(tx, id); });
  };
  ASSERT_TRUE(cancel(waiting));
  EXPECT_EQ(Get(waiting).status, JobStatus::kCanceled);
  EXPECT_EQ(cancel(waiting).error().code, ErrorCode::kConflict);
  const JobId running = Enqueue();
  const ClaimedJob claimed = Claim();
  ASSERT_TRUE(cancel(running));
  EXPECT_TRUE(queue_->Heartbeat(claimed.lease, {})->cancel_requested);
}

TEST_P(QueueTest, ManyWorkersGetEveryJobOnce) {
  std::set<std::string> accepted;
  for (int i = 0; i < 24; ++i) accepted.insert(Enqueue().str());
  std::multiset<std::string> claimed;
  std::mutex mutex;
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < 6; ++i) {
      workers.emplace_back([&] {
        const WorkerId me = WorkerId::New(environment_);
        while (true) {
          const auto job = queue_->Claim(me);
          ASSERT_TRUE(job) << job.error().cause;
          if (!*job) return;
          const std::lock_guard lock(mutex);
          claimed.insert((*job)->job.id.str());
        }
      });
    }
  }
  EXPECT_THAT(claimed, testing::ElementsAreArray(accepted));
}

TEST_P(QueueTest, AnExpiredLeaseGoesToOneOfManyWorkers) {
  const JobId id = Enqueue();
  ASSERT_TRUE(queue_->Claim(worker_)->has_value());
  Advance(QueueConfig{}.lease_ms + 1);
  std::atomic<int> taken = 0;
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < 8; ++i) {
      workers.emplace_back([&] {
        const auto job = queue_->Claim(WorkerId::New(environment_));
        ASSERT_TRUE(job) << job.error().cause;
        if (*job) ++taken;
      });
    }
  }
  EXPECT_EQ(taken, 1);
}

// A holder whose lease runs out in the middle of a fenced transaction still ends it alone: nobody
// takes the job over before that.
TEST_P(QueueTest, AFencedTransactionIsNotOvertaken) {
  Enqueue();
  const Lease lease = Claim().lease;
  const Status ended = access::Write(*database_, scope_, [&](Tx& tx) -> Status {
    NRL_CHECK(queue_->Fence(tx, lease));
    if (GetParam() == platform::SqlDialect::kPostgres) {
      Advance(QueueConfig{}.lease_ms + 1);
      EXPECT_FALSE(queue_->Claim(WorkerId::New(environment_))->has_value());
    }
    return queue_->Complete(tx, lease);
  });
  EXPECT_TRUE(ended) << ended.error().cause;
  EXPECT_FALSE(queue_->Claim(WorkerId::New(environment_))->has_value());
}

TEST_P(QueueTest, WorkersAreLiveForOneLease) {
  const WorkerId other = WorkerId::New(environment_);
  ASSERT_TRUE(queue_->SeeWorker(worker_, 1));
  Advance(QueueConfig{}.lease_ms - 1);
  ASSERT_TRUE(queue_->SeeWorker(other, 2));
  EXPECT_EQ(*queue_->CountLiveWorkers(), 2);
  Advance(2);
  EXPECT_EQ(*queue_->CountLiveWorkers(), 1);
  ASSERT_TRUE(queue_->SeeWorker(worker_, 1));
  ASSERT_TRUE(queue_->ForgetWorker(other));
  EXPECT_EQ(*queue_->CountLiveWorkers(), 1);
}

TEST_P(QueueTest, AnotherTenantsJobDoesNotExist) {
  const JobId id = Enqueue();
  const access::Scope other{TenantId::New(environment_), "test", {}};
  const auto seen = access::Read(*database_, other, [&](Tx& tx) { return queue_->Get(tx, id); });
  EXPECT_EQ(seen.error().code, ErrorCode::kNotFound);
}

TEST_P(QueueTest, ANamedLeaseHasOneHolderAndAGrowingEpoch) {
  const auto take = [&](const char* holder) {
    return *TakeLease(*database_, environment_, {"index", holder, 0}, 1'000);
  };
  EXPECT_EQ(take("a")->epoch, 1);
  EXPECT_EQ(take("a")->epoch, 1) << "renewed";
  EXPECT_FALSE(take("b"));
  Advance(1'001);
  EXPECT_EQ(take("b")->epoch, 2);
  ASSERT_TRUE(DropLease(*database_, {"index", "b", 2}));
  Advance(1);
  EXPECT_EQ(take("a")->epoch, 3);
}

TEST_P(QueueTest, TwoSequencersNumberEveryChangeOnce) {
  constexpr int kChanges = 40;
  for (int i = 0; i < kChanges; ++i) {
    ASSERT_TRUE(access::Write(*database_, scope_, [&](Tx& tx) {
      return AppendChange(tx, {"video", std::to_string(i)}, "put", clock_.Now());
    }));
  }
  std::atomic<int64_t> numbered = 0;
  {
    std::vector<std::jthread> sequencers;
    for (int i = 0; i < 4; ++i) {
      sequencers.emplace_back([&] {
        for (int round = 0; round < 6; ++round) {
          const auto count = access::Write(*database_, access::SystemScope("test"),
                                           [](Tx& tx) { return NumberChanges(tx, 7); });
          ASSERT_TRUE(count) << count.error().cause;
          numbered += *count;
        }
      });
    }
  }
  EXPECT_EQ(numbered, kChanges);
  const auto all = *access::Read(*database_, access::SystemScope("test"),
                                 [&](Tx& tx) { return ReadAllChanges(tx, 0, 100); });
  ASSERT_EQ(all.size(), size_t{kChanges});
  for (int i = 0; i < kChanges; ++i) {
    EXPECT_EQ(all[static_cast<size_t>(i)].seq, i + 1);
    EXPECT_EQ(all[static_cast<size_t>(i)].entity_id, std::to_string(i));
  }
}

TEST_P(QueueTest, ChangesAreSeenOnlyWhenNumberedAndWithoutGaps) {
  const auto append = [&](const char* id) {
    return access::Write(*database_, scope_, [&](Tx& tx) {
      return AppendChange(tx, {"video", id}, "put", clock_.Now());
    });
  };
  ASSERT_TRUE(append("a"));
  ASSERT_TRUE(append("b"));
  const auto read = [&](int64_t after) {
    return *access::Read(*database_, access::SystemScope("test"),
                         [&](Tx& tx) { return ReadAllChanges(tx, after, 10); });
  };
  EXPECT_TRUE(read(0).empty());
  ASSERT_EQ(*access::Write(*database_, access::SystemScope("test"),
                           [](Tx& tx) { return NumberChanges(tx, 1); }),
            1);
  ASSERT_TRUE(append("c"));
  ASSERT_EQ(*access::Write(*database_, access::SystemScope("test"),
                           [](Tx& tx) { return NumberChanges(tx, 10); }),
            2);
  const auto rest = read(1);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].seq, 2);
  EXPECT_EQ(rest[0].entity_id, "b");
  EXPECT_EQ(rest[1].entity_id, "c");
}

TEST(LeaseClock, IsTheServersOwnAndMoves) {
  static constexpr platform::Statement kNow{"test.now", nullptr, "SELECT lease_clock_ms()"};
  const auto database = platform::FreshDatabase(platform::SqlDialect::kPostgres, {});
  const int64_t before_ms = SystemEnvironment().clock.Now().value;
  int64_t first_ms = 0;
  auto tx = std::move(*database->Begin(platform::SqlAccess::kRead));
  first_ms = tx->Query(kNow, {}).value()[0].Int(0);
  while (tx->Query(kNow, {}).value()[0].Int(0) == first_ms) {
  }
  EXPECT_GE(first_ms, before_ms) << "both are this machine's";
}

TEST(Backoff, IsJitteredOverItsWholeRangeAndCapped) {
  SeededRandom random(3);
  int64_t sum = 0;
  for (int i = 0; i < 2'000; ++i) {
    const int64_t wait_ms = BackoffMs(3, 1'000, 60'000, random);
    ASSERT_GE(wait_ms, 0);
    ASSERT_LE(wait_ms, 4'000);
    sum += wait_ms;
    ASSERT_LE(BackoffMs(40, 1'000, 60'000, random), 60'000);
  }
  EXPECT_NEAR(static_cast<double>(sum) / 2'000, 2'000, 150);
}

}  // namespace
}  // namespace narralytica::jobs
