// Five hundred random histories on SQLite, some on PostgreSQL, and faults that they must find.
// NRL_QUEUE_HISTORIES sets how many (make chaos-queue), NRL_SEED replays one.
#include "jobs/queue_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "platform/file.hpp"

namespace narralytica::jobs {
namespace {

constexpr uint64_t kSqliteHistories = 500;
constexpr uint64_t kPostgresHistories = 12;
// Faults are found by one of these.
constexpr uint64_t kTwinHistories = 60;

// In memory where the system has a folder there: a history commits hundreds of times.
std::string FastFolder() {
  std::error_code error;
  return std::filesystem::is_directory("/dev/shm", error) ? "/dev/shm" : testing::TempDir();
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Status ForgetTurns(platform::Database& database) {
  static constexpr platform::Statement kForgetTurns{"test.turns", "DELETE FROM tenant_turns"};
  NRL_CHECK(access::Write(database, access::SystemScope("test"),
                          [](access::Tx& tx) { return tx.Execute(kForgetTurns); }));
  return {};
}

class Histories {
 public:
  explicit Histories(platform::SqlDialect dialect)
      : folder_(std::move(*platform::TemporaryFolder::Create(FastFolder(), "nrl-history"))),
        database_(platform::FreshDatabase(dialect, folder_.path())) {
    SeededRandom random(7);
    FakeClock clock(UtcMs{1'700'000'000'000});
    for (int i = 0; i < 3; ++i) {
      const TenantId tenant = TenantId::New({clock, random});
      tenants_.push_back({tenant, "test", "trace-1"});
      static constexpr platform::Statement kTenant{
          "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, $2, 0)"};
      EXPECT_TRUE(access::Write(*database_, tenants_.back(), [&](access::Tx& tx) {
        return tx.Execute(kTenant, tenant, std::to_string(i));
      }));
    }
  }

  template <typename Actor>
  Status Run(uint64_t seed) {
    FakeClock clock(UtcMs{1'700'000'000'000});
    SeededRandom random(seed + 1'000'000);
    const Environment environment{clock, random};
    platform::SetLeaseClock(*database_, clock);
    NRL_CHECK(ForgetTurns(*database_));
    QueueConfig config;
    if (seed % 3 == 1) config.running.tenant_max = 2;
    if (seed % 5 == 2) config.running.transcribe_max = 3;
    Queue queue(*database_, environment, config);
    Actor actor(*database_, queue, environment);
    const HistoryParts parts{*database_, queue,       actor,    config,
                             clock,      environment, tenants_, seed % 4 == 3};
    return QueueHistory(parts, seed).Run();
  }

  // The first of `count` seeds whose history shows a fault; 0 when none does.
  template <typename Actor>
  uint64_t FirstWrong(uint64_t count, std::string* why) {
    for (uint64_t seed = 1; seed <= count; ++seed) {
      const Status held = Run<Actor>(seed);
      if (held) continue;
      *why = held.error().message + " " + held.error().cause;
      return seed;
    }
    return 0;
  }

 private:
  platform::TemporaryFolder folder_;
  std::unique_ptr<platform::Database> database_;
  std::vector<access::Scope> tenants_;
};

void ExpectNoneWrong(platform::SqlDialect dialect, uint64_t count) {
  Histories histories(dialect);
  if (const uint64_t seed = FromEnvironment("NRL_SEED", 0)) {
    const Status held = histories.Run<QueueActor>(seed);
    EXPECT_TRUE(held) << held.error().message;
    return;
  }
  std::string why;
  const uint64_t seed = histories.FirstWrong<QueueActor>(count, &why);
  EXPECT_EQ(seed, 0U) << why << "; replay: NRL_SEED=" << seed
                      << " build/release/jobs_test --gtest_filter='QueueHistories.Model*'";
}

TEST(QueueHistories, ModelHoldsOnSqlite) {
  ExpectNoneWrong(platform::SqlDialect::kSqlite,
                  FromEnvironment("NRL_QUEUE_HISTORIES", kSqliteHistories));
}

TEST(QueueHistories, ModelHoldsOnPostgres) {
  const uint64_t asked = FromEnvironment("NRL_QUEUE_HISTORIES", 0) / 50;
  ExpectNoneWrong(platform::SqlDialect::kPostgres, std::max(asked, kPostgresHistories));
}

constexpr platform::Statement kEpoch{
    "test.epoch", "SELECT lease_epoch FROM jobs WHERE tenant_id = $1 AND id = $2"};

// A lease that the fence takes for the current one, whoever holds that.
Lease Forged(platform::Database& database, Lease lease) {
  const access::Scope scope{lease.tenant, "test", {}};
  lease.epoch = *access::Read(database, scope, [&](access::Tx& tx) -> Result<int64_t> {
    NRL_TRY(const platform::Rows rows, tx.Query(kEpoch, lease.tenant, lease.job));
    return rows[0].Int(0);
  });
  return lease;
}

struct CompletesForRevenants : QueueActor {
  using QueueActor::QueueActor;
  Status Complete(const access::Scope& scope, const Lease& lease) override {
    return QueueActor::Complete(scope, Forged(database_, lease));
  }
};

struct CompletesBatchesForRevenants : QueueActor {
  using QueueActor::QueueActor;
  Result<std::vector<JobId>> CompleteMany(const std::vector<Lease>& leases) override {
    std::vector<Lease> forged;
    for (const Lease& lease : leases) forged.push_back(Forged(database_, lease));
    return QueueActor::CompleteMany(forged);
  }
};

struct ClaimsMoreThanAsked : QueueActor {
  using QueueActor::QueueActor;
  Result<std::vector<ClaimedJob>> ClaimMany(const WorkerId& worker, int count) override {
    return QueueActor::ClaimMany(worker, count + 1);
  }
};

struct BeatsForRevenants : QueueActor {
  using QueueActor::QueueActor;
  Result<Beat> Heartbeat(const Lease& lease) override {
    return QueueActor::Heartbeat(Forged(database_, lease));
  }
};

struct ForgetsUniqueness : QueueActor {
  using QueueActor::QueueActor;
  Result<JobId> Enqueue(const access::Scope& scope, const NewJob& job) override {
    NewJob plain = job;
    plain.unique_key.clear();
    return QueueActor::Enqueue(scope, plain);
  }
};

struct LosesCheckpoints : QueueActor {
  using QueueActor::QueueActor;
  Status AppendCheckpoint(const Lease& lease, int part) override {
    if (part != 1) return QueueActor::AppendCheckpoint(lease, part);
    return access::Write(database_, {lease.tenant, "test", {}},
                         [&](access::Tx& tx) { return queue_.Fence(tx, lease); });
  }
};

struct ReleaseCostsAnAttempt : QueueActor {
  using QueueActor::QueueActor;
  Status Release(const Lease& lease) override {
    static constexpr platform::Statement kCost{
        "test.cost", "UPDATE jobs SET attempts = attempts + 1 WHERE tenant_id = $1 AND id = $2"};
    NRL_CHECK(QueueActor::Release(lease));
    NRL_CHECK(access::Write(database_, {lease.tenant, "test", {}}, [&](access::Tx& tx) {
      return tx.Execute(kCost, lease.tenant, lease.job);
    }));
    return {};
  }
};

struct ReleaseLosesThePlace : QueueActor {
  using QueueActor::QueueActor;
  Status Release(const Lease& lease) override {
    static constexpr platform::Statement kLast{
        "test.last",
        "UPDATE jobs SET rank_ms = rank_ms + 100000000 WHERE tenant_id = $1 AND id = $2"};
    NRL_CHECK(QueueActor::Release(lease));
    NRL_CHECK(access::Write(database_, {lease.tenant, "test", {}}, [&](access::Tx& tx) {
      return tx.Execute(kLast, lease.tenant, lease.job);
    }));
    return {};
  }
};

struct WritesOutputTwice : QueueActor {
  using QueueActor::QueueActor;
  Status Complete(const access::Scope& scope, const Lease& lease) override {
    NRL_CHECK(QueueActor::Complete(scope, lease));
    return access::Write(database_, scope, [&](access::Tx& tx) {
      return AppendChange(tx, {"video", lease.job.str()}, "put", UtcMs{1});
    });
  }
};

struct IgnoresLimits : QueueActor {
  using QueueActor::QueueActor;
  Result<std::optional<ClaimedJob>> Claim(const WorkerId& worker) override {
    return Queue(database_, environment_, {}).Claim(worker);
  }
};

struct ForgetsTurns : QueueActor {
  using QueueActor::QueueActor;
  Result<std::optional<ClaimedJob>> Claim(const WorkerId& worker) override {
    NRL_CHECK(ForgetTurns(database_));
    return QueueActor::Claim(worker);
  }
};

struct ForgetsPriorities : QueueActor {
  using QueueActor::QueueActor;
  Result<JobId> Enqueue(const access::Scope& scope, const NewJob& job) override {
    NewJob plain = job;
    plain.priority = 0;
    return QueueActor::Enqueue(scope, plain);
  }
};

template <typename Actor>
void ExpectFound(const char* what, platform::SqlDialect dialect = platform::SqlDialect::kSqlite) {
  Histories histories(dialect);
  std::string why;
  EXPECT_NE(histories.FirstWrong<Actor>(kTwinHistories, &why), 0U) << "not found";
  EXPECT_THAT(why, testing::HasSubstr(what));
}

TEST(QueueHistoriesTwin, AFenceThatIgnoresTheEpochIsFound) {
  ExpectFound<CompletesForRevenants>("took a late write");
}
TEST(QueueHistoriesTwin, ABatchThatIgnoresTheEpochIsFound) {
  for (const auto dialect : {platform::SqlDialect::kSqlite, platform::SqlDialect::kPostgres}) {
    ExpectFound<CompletesBatchesForRevenants>("the batch of a revenant", dialect);
  }
}
TEST(QueueHistoriesTwin, ABatchThatIsTooLargeIsFound) {
  ExpectFound<ClaimsMoreThanAsked>("more jobs than were asked for");
}
TEST(QueueHistoriesTwin, AHeartbeatOfARevenantIsFound) {
  ExpectFound<BeatsForRevenants>("the wrong holder");
}
TEST(QueueHistoriesTwin, AForgottenUniqueKeyIsFound) {
  ExpectFound<ForgetsUniqueness>("another one with its key");
}
TEST(QueueHistoriesTwin, ALostCheckpointIsFound) { ExpectFound<LosesCheckpoints>("checkpoints"); }
TEST(QueueHistoriesTwin, AReleaseThatCostsAnAttemptIsFound) {
  ExpectFound<ReleaseCostsAnAttempt>("attempts, not");
}
TEST(QueueHistoriesTwin, AReleaseThatLosesThePlaceIsFound) {
  ExpectFound<ReleaseLosesThePlace>("more urgent than the one given");
}
TEST(QueueHistoriesTwin, AnIgnoredLimitIsFound) { ExpectFound<IgnoresLimits>("beyond a limit"); }
TEST(QueueHistoriesTwin, ATenantThatIsPassedOverIsFound) {
  ExpectFound<ForgetsTurns>("was passed over");
}
TEST(QueueHistoriesTwin, AForgottenPriorityIsFound) {
  ExpectFound<ForgetsPriorities>("more urgent than the one given");
}
TEST(QueueHistoriesTwin, AnOutputWrittenTwiceIsFound) { ExpectFound<WritesOutputTwice>("outputs"); }

}  // namespace
}  // namespace narralytica::jobs
