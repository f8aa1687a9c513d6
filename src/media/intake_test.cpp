#include "media/intake.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "jobs/pipeline.hpp"
#include "platform/file.hpp"
#include "platform/sql/test_databases.hpp"

namespace narralytica::media {
namespace {

class IntakeTest : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  void SetUp() override {
    folder_.emplace(std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "intake")));
    database_ = platform::FreshDatabase(GetParam(), folder_->path());
    static constexpr platform::Statement kTenant{
        "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'default', 0)"};
    ASSERT_TRUE(access::Write(*database_, scope_, [&](access::Tx& tx) -> Status {
      NRL_CHECK(tx.Execute(kTenant, scope_.tenant));
      return {};
    }));
    objects_ = std::move(*platform::OpenFolderStore(folder_->path() + "/objects"));
    queue_.emplace(*database_, environment_, jobs::QueueConfig{});
  }

  std::string File(const std::string& name, std::string_view content) {
    const std::string path = folder_->path() + "/" + name;
    EXPECT_TRUE(platform::WriteFileAtomically(path, content));
    return path;
  }
  Result<Accepted> Accept(const std::string& path, const std::string& external_id = {},
                          int64_t bytes_max = 1'000'000) {
    Intake intake({*database_, *objects_, *queue_, environment_}, {.file_bytes_max = bytes_max});
    IntakeRequest request;
    request.path = path;
    request.external_id = external_id;
    return intake.AcceptFile(scope_, request, {});
  }

  Environment environment_ = SystemEnvironment();
  access::Scope scope_{access::DefaultTenant(), "test", "trace-1"};
  std::optional<platform::TemporaryFolder> folder_;
  std::unique_ptr<platform::Database> database_;
  std::unique_ptr<platform::ObjectStore> objects_;
  std::optional<jobs::Queue> queue_;
};

INSTANTIATE_TEST_SUITE_P(Databases, IntakeTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(IntakeTest, AnAcceptedFileIsStoredNamedAndQueued) {
  const auto accepted = Accept(File("A talk.mp4", "content"));
  ASSERT_TRUE(accepted) << accepted.error().cause;
  EXPECT_FALSE(accepted->duplicate);
  ASSERT_TRUE(access::Read(*database_, scope_, [&](access::Tx& tx) -> Status {
    NRL_TRY(const Video video, GetVideo(tx, accepted->video));
    EXPECT_EQ(video.title, "A talk");
    EXPECT_EQ(video.status, "queued");
    NRL_TRY(const Artifact original, ArtifactOf(tx, accepted->video, "original"));
    EXPECT_EQ(objects_->Get(original.object.key, 100)->size(), 7U);
    NRL_TRY(const jobs::Job job, queue_->Get(tx, accepted->job));
    EXPECT_EQ(job.stage.type, "ingest");
    EXPECT_EQ(job.trace, "trace-1");
    return {};
  }));
}

TEST_P(IntakeTest, AFileWhoseNameIsNoUtf8IsNamedAsFarAsItIs) {
  const auto accepted = Accept(File("caf\xE9.mp4", "content"));
  ASSERT_TRUE(accepted) << accepted.error().cause;
  const auto video = access::Read(*database_, scope_,
                                  [&](access::Tx& tx) { return GetVideo(tx, accepted->video); });
  EXPECT_EQ(video->title, "caf\xEF\xBF\xBD");
}

TEST_P(IntakeTest, TheSameContentIsTheSameVideoWhateverItsName) {
  const auto first = *Accept(File("one.wav", "same"));
  const auto second = *Accept(File("other.wav", "same"));
  EXPECT_TRUE(second.duplicate);
  EXPECT_EQ(second.video, first.video);
  EXPECT_EQ(second.job, first.job);
  EXPECT_NE(Accept(File("third.wav", "different"))->video, first.video);
}

TEST_P(IntakeTest, TheSameExternalIdIsTheSameVideo) {
  const auto first = *Accept(File("one.wav", "first take"), "episode-7");
  const auto second = *Accept(File("two.wav", "second take"), "episode-7");
  EXPECT_TRUE(second.duplicate);
  EXPECT_EQ(second.video, first.video);
}

TEST_P(IntakeTest, ARaceForOneContentHasOneWinner) {
  const std::string path = File("race.wav", "race");
  std::vector<Accepted> all(8);
  {
    std::vector<std::jthread> racers;
    for (Accepted& accepted : all) {
      racers.emplace_back([&] { accepted = *Accept(path); });
    }
  }
  int winners = 0;
  for (const Accepted& accepted : all) {
    EXPECT_EQ(accepted.video, all[0].video);
    winners += accepted.duplicate ? 0 : 1;
  }
  EXPECT_EQ(winners, 1);
}

TEST_P(IntakeTest, WhatCannotBeTakenInIsRefusedWithAHint) {
  EXPECT_EQ(Accept(folder_->path() + "/missing").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Accept(folder_->path()).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Accept(File("empty.mp4", "")).error().reason, "media_empty");
  const auto large = Accept(File("large.mp4", "12345"), "", 4);
  EXPECT_EQ(large.error().code, ErrorCode::kLimited);
  EXPECT_FALSE(large.error().hint.empty());
}

}  // namespace
}  // namespace narralytica::media
