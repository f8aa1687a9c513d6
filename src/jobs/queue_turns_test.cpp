// Who is next: tenants in turn, priorities with a bounded head start, limits on what runs at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "access/test_store.hpp"
#include "jobs/queue.hpp"

namespace narralytica::jobs {
namespace {

using access::Tx;

class TurnsTest : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  void SetUp() override { platform::SetLeaseClock(store_.database(), store_.clock); }

  access::Scope AddTenant() {
    static constexpr platform::Statement kTenant{
        "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'other', 0)"};
    access::Scope scope{TenantId::New(store_.environment), "test", "trace"};
    EXPECT_TRUE(access::Write(store_.database(), scope,
                              [&](Tx& tx) { return tx.Execute(kTenant, scope.tenant); }));
    return scope;
  }
  NewJob Wanted() { return {.stage = {"ingest", ""}, .video = VideoId::New(store_.environment)}; }
  void Enqueue(const access::Scope& scope, int count, const NewJob& like) {
    ASSERT_TRUE(access::Write(store_.database(), scope, [&](Tx& tx) -> Status {
      for (int i = 0; i < count; ++i) NRL_CHECK(queue_.Enqueue(tx, like));
      return {};
    }));
  }
  // One job, many times over.
  void MakeBacklog(int count) {
    static constexpr platform::Statement kCopies{
        "test.copies",
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < $1)"
        " INSERT INTO jobs (id, tenant_id, type, kind, video_id, status, payload, priority, trace,"
        " run_at_ms, rank_ms, attempts_max, created_at_ms, queued_at_ms, updated_at_ms)"
        " SELECT id || '-' || i, tenant_id, type, kind, video_id, status, payload, priority, trace,"
        " run_at_ms, rank_ms, attempts_max, created_at_ms, queued_at_ms, updated_at_ms"
        " FROM jobs, n WHERE tenant_id = $2"};
    Enqueue(store_.scope, 1, Wanted());
    const auto made = access::Write(store_.database(), store_.scope, [&](Tx& tx) {
      return tx.Execute(kCopies, count, store_.scope.tenant);
    });
    ASSERT_TRUE(made) << made.error().cause;
    ASSERT_EQ(*made, count - 1);
  }
  void Advance(int64_t duration_ms) {
    store_.clock.Advance(duration_ms);
    platform::SetLeaseClock(store_.database(), store_.clock);
  }
  std::optional<ClaimedJob> Claim() {
    auto claimed = queue_.Claim(worker_);
    EXPECT_TRUE(claimed) << claimed.error().message << claimed.error().cause;
    return std::move(*claimed);
  }
  Status Complete(const Lease& lease) {
    return access::Write(store_.database(), {lease.tenant, "test", {}},
                         [&](Tx& tx) { return queue_.Complete(tx, lease); });
  }
  int64_t CountRunning() {
    static constexpr platform::Statement kRunning{
        "test.running", "SELECT COUNT(*) FROM jobs WHERE status = 'running'"};
    return *access::Read(store_.database(), access::SystemScope("test"),
                         [](Tx& tx) -> Result<int64_t> {
                           NRL_TRY(const platform::Rows rows, tx.Query(kRunning));
                           return rows[0].Int(0);
                         });
  }
  int64_t MostAtOnce(const QueueConfig& config);

  access::TestStore store_{GetParam()};
  QueueConfig config_;
  Queue queue_{store_.database(), store_.environment, config_};
  WorkerId worker_ = WorkerId::New(store_.environment);
};

INSTANTIATE_TEST_SUITE_P(Databases, TurnsTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(TurnsTest, ABacklogOfTenThousandDelaysNobodyElse) {
  const access::Scope other = AddTenant();
  MakeBacklog(10'000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Claim()->job.tenant, store_.scope.tenant);
  Advance(1'000);
  Enqueue(other, 3, Wanted());
  std::vector<bool> is_other;
  for (int i = 0; i < 6; ++i) is_other.push_back(Claim()->job.tenant == other.tenant);
  // Whoever was alone before has no turn on record: it may have one more.
  EXPECT_THAT(is_other,
              testing::AnyOf(testing::ElementsAre(true, false, true, false, true, false),
                             testing::ElementsAre(false, true, false, true, false, true)));
}

TEST_P(TurnsTest, AnUrgentFloodHoldsTheLeastUrgentUpForABoundedTime) {
  NewJob urgent = Wanted(), low = Wanted();
  urgent.priority = kPriorityMax;
  low.priority = kPriorityMin;
  Enqueue(store_.scope, 1, low);
  const UtcMs accepted = store_.clock.Now();
  // One urgent job is there at any time.
  while (true) {
    Enqueue(store_.scope, 1, urgent);
    const auto claimed = Claim();
    ASSERT_TRUE(Complete(claimed->lease));
    const int64_t waited_ms = store_.clock.Now().value - accepted.value;
    ASSERT_LE(waited_ms, config_.priority_wait_ms_max + 10'000);
    if (claimed->job.created_at == accepted && waited_ms > 0) {
      EXPECT_GE(waited_ms, config_.priority_wait_ms_max) << "urgency has no effect";
      break;
    }
    Advance(10'000);
  }
}

TEST_P(TurnsTest, PrioritiesOutOfBoundsAreCut) {
  NewJob boundless = Wanted(), urgent = Wanted();
  urgent.priority = kPriorityMax;
  boundless.priority = 1'000'000;
  Enqueue(store_.scope, 1, urgent);
  Advance(1);
  Enqueue(store_.scope, 1, boundless);
  const auto first = Claim();
  EXPECT_LT(first->job.created_at, Claim()->job.created_at);
}

TEST_P(TurnsTest, ALimitPassesOverWhatItConcernsAlone) {
  QueueConfig config;
  config.running.service_max = 1;
  config.running.transcribe_max = 1;
  Queue queue(store_.database(), store_.environment, config);
  NewJob at_a = Wanted(), at_b = Wanted(), transcribe = Wanted();
  at_a.service = "a.example";
  at_b.service = "b.example";
  transcribe.stage = {"transcribe", ""};
  Enqueue(store_.scope, 2, at_a);
  Advance(1);
  Enqueue(store_.scope, 2, transcribe);
  Advance(1);
  Enqueue(store_.scope, 1, at_b);
  std::vector<ClaimedJob> running;
  while (auto claimed = *queue.Claim(worker_)) running.push_back(*claimed);
  ASSERT_EQ(running.size(), 3U) << "one of each";
  EXPECT_EQ(running[1].job.stage.type, "transcribe");
  ASSERT_TRUE(Complete(running[0].lease));
  const auto freed = *queue.Claim(worker_);
  ASSERT_TRUE(freed);
  EXPECT_EQ(freed->job.stage.type, "ingest");
  EXPECT_FALSE(*queue.Claim(worker_));
}

// Four workers with connections of their own claim, complete, and die with what they hold.
int64_t TurnsTest::MostAtOnce(const QueueConfig& config) {
  Enqueue(store_.scope, 120, Wanted());
  std::atomic<int64_t> most = 0;
  for (int round = 0; round < 4; ++round) {
    {
      std::vector<std::jthread> workers;
      for (uint64_t seed = 0; seed < 4; ++seed) {
        workers.emplace_back([&, seed] {
          SeededRandom dice(seed + 10);
          Queue queue(store_.database(), store_.environment, config);
          const WorkerId me = WorkerId::New(store_.environment);
          for (int i = 0; i < 15; ++i) {
            const auto claimed = queue.Claim(me);
            ASSERT_TRUE(claimed) << claimed.error().message << claimed.error().cause;
            const int64_t seen = CountRunning();
            int64_t before = most;
            while (seen > before && !most.compare_exchange_weak(before, seen)) {
            }
            if (!*claimed || dice.Below(6) == 0) continue;
            ASSERT_TRUE(Complete((*claimed)->lease));
          }
        });
      }
    }
    Advance(config.lease_ms + 1);
  }
  return most;
}

TEST_P(TurnsTest, FourWorkersUnderALimitOfThreeNeverHoldFour) {
  QueueConfig config;
  config.kills_max = 100;
  config.running.tenant_max = 3;
  EXPECT_EQ(MostAtOnce(config), 3);
}

TEST_P(TurnsTest, TwinWithoutTheLimitTheyDo) {
  QueueConfig config;
  config.kills_max = 100;
  EXPECT_GT(MostAtOnce(config), 3);
}

}  // namespace
}  // namespace narralytica::jobs
