// What a worker that slept past its lease still tries to write, once another has the job.
#include "jobs/stage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/test_store.hpp"
#include "jobs/changes.hpp"

namespace narralytica::jobs {
namespace {

using access::Tx;

class RevenantTest : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  void SetUp() override {
    platform::SetLeaseClock(store_.database(), store_.clock);
    objects_ = std::move(*platform::OpenFolderStore(store_.folder() + "/objects"));
    ASSERT_TRUE(access::Write(store_.database(), store_.scope, [&](Tx& tx) {
      return queue_.Enqueue(tx, {.stage = {"transcribe", ""}, .video = video_});
    }));
    claimed_ = *queue_.Claim(worker_).value();
  }

  // The first holder stands still; the second takes the job over.
  ClaimedJob TakeOver() {
    store_.clock.Advance(QueueConfig{}.lease_ms + 1);
    platform::SetLeaseClock(store_.database(), store_.clock);
    return *queue_.Claim(WorkerId::New(store_.environment)).value();
  }

  StageContext Context(ClaimedJob claimed) {
    const VideoStatusHook no_videos = [](Tx&, const VideoId&, std::string_view) -> Status {
      return {};
    };
    return StageContext({store_.database(), store_.environment, queue_, no_videos, metrics_},
                        std::move(claimed), {}, platform::Logger::ToStderr("test", {}));
  }

  // Every kind of write, each with what it is counted as.
  std::vector<std::pair<WriteKind, Status>> WriteEverything(StageContext& context) {
    const std::vector<uint8_t> bytes{1, 2, 3};
    const std::string path = store_.folder() + "/made";
    EXPECT_TRUE(platform::WriteFileAtomically(path, "made"));
    const auto status = [](const auto& result) { return result ? Status{} : Fail(result); };
    const auto append = [&](Tx& tx) {
      return AppendChange(tx, {"video", "late"}, "put", store_.clock.Now());
    };
    const auto fail = [&](Tx& tx) -> Status {
      NRL_CHECK(queue_.FailAttempt(tx, context.lease(), {ErrorCode::kInvalid, "bad"}));
      return {};
    };
    std::vector<std::pair<WriteKind, Status>> done;
    const auto beat = context.Heartbeat();
    done.emplace_back(WriteKind::kHeartbeat,
                      beat && beat->lost ? Status(Fail(Error{.reason = "lease_lost"})) : Status{});
    done.emplace_back(WriteKind::kCheckpoint, context.AppendCheckpoint(7, "late"));
    done.emplace_back(WriteKind::kOutput, context.Write(append));
    done.emplace_back(WriteKind::kObject, status(context.PutObject(*objects_, bytes)));
    done.emplace_back(WriteKind::kObject, status(context.PutObjectFile(*objects_, path)));
    done.emplace_back(WriteKind::kIndex, context.CheckLease(WriteKind::kIndex));
    done.emplace_back(WriteKind::kFailure, context.Settle(fail));
    done.emplace_back(WriteKind::kFailure, context.Release());
    done.emplace_back(WriteKind::kCompletion, context.FinishAlone(append));
    done.emplace_back(WriteKind::kCompletion, context.Finish(append));
    return done;
  }

  int64_t CountChanges() {
    return *access::Write(store_.database(), access::SystemScope("test"),
                          [](Tx& tx) { return NumberChanges(tx, 100); });
  }

  access::TestStore store_{GetParam()};
  Queue queue_{store_.database(), store_.environment, {}};
  platform::Metrics metrics_;
  std::unique_ptr<platform::ObjectStore> objects_;
  WorkerId worker_ = WorkerId::New(store_.environment);
  VideoId video_ = VideoId::New(store_.environment);
  ClaimedJob claimed_;
};

INSTANTIATE_TEST_SUITE_P(Databases, RevenantTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(RevenantTest, EveryKindOfLateWriteIsRefusedAndCounted) {
  StageContext revenant = Context(claimed_);
  const ClaimedJob second = TakeOver();
  for (const auto& [kind, done] : WriteEverything(revenant)) {
    ASSERT_FALSE(done) << ToString(kind);
    EXPECT_EQ(done.error().reason, "lease_lost") << ToString(kind);
  }
  const std::string text = metrics_.Text();
  for (const auto& [kind, count] : std::map<std::string, int>{{"heartbeat", 1},
                                                              {"checkpoint", 1},
                                                              {"output", 1},
                                                              {"object", 2},
                                                              {"index", 1},
                                                              {"failure", 2},
                                                              {"completion", 2}}) {
    EXPECT_THAT(text, testing::HasSubstr(fmt::format(
                          "narralytica_jobs_stale_writes_total{{kind=\"{}\"}} {}", kind, count)));
  }
  EXPECT_EQ(CountChanges(), 0) << "nothing of it is there";
  EXPECT_THAT(*objects_->List("", 10), testing::IsEmpty());
  StageContext holder = Context(second);
  EXPECT_TRUE(holder.FinishAlone([](Tx&) -> Status { return {}; }));
  const Job ended = *access::Read(store_.database(), store_.scope,
                                  [&](Tx& tx) { return queue_.Get(tx, second.job.id); });
  EXPECT_EQ(ended.status, JobStatus::kSucceeded) << "the end is the second worker's";
}

// The same writes under an epoch that is forged to be the current one: each kind is taken, so that
// what refuses them above is the epoch and nothing else.
TEST_P(RevenantTest, TwinAForgedEpochIsRefusedNothing) {
  ClaimedJob forged = claimed_;
  forged.lease.epoch = TakeOver().lease.epoch;
  StageContext context = Context(forged);
  const auto done = WriteEverything(context);
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_TRUE(done[i].second) << ToString(done[i].first) << ": "
                                << done[i].second.error().message;
  }
  EXPECT_THAT(metrics_.Text(), testing::Not(testing::HasSubstr("kind=\"output\"")));
  EXPECT_EQ(CountChanges(), 1);
  EXPECT_THAT(*objects_->List("", 10), testing::SizeIs(2));
}

}  // namespace
}  // namespace narralytica::jobs
