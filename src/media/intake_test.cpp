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

// What each limit says, and that nothing is left of what it refused.
TEST_P(IntakeTest, WhatIsTooMuchIsRefusedBeforeAnythingOfItIsStored) {
  ASSERT_TRUE(Accept(File("a.mp4", "one")));
  const auto refusal = [&](const AdmissionConfig& admission) {
    Intake intake({*database_, *objects_, *queue_, environment_}, {.admission = admission});
    IntakeRequest url, file;
    url.kind = "external_url";
    url.locator = "https://example.org/b.mp4";
    file.path = File("b.mp4", "two");
    const auto from_file = intake.AcceptFile(scope_, file, {});
    const auto from_url = intake.AcceptUrl(scope_, url, {});
    EXPECT_FALSE(from_file);
    EXPECT_FALSE(from_url);
    EXPECT_EQ(from_file.error().reason, from_url.error().reason);
    EXPECT_FALSE(from_file.error().hint.empty());
    return from_file.error();
  };
  const Error tenant = refusal({.tenant_queued_max = 1});
  EXPECT_EQ(tenant.reason, "tenant_queue_full");
  EXPECT_EQ(tenant.code, ErrorCode::kLimited);
  const Error all = refusal({.queued_max = 1});
  EXPECT_EQ(all.reason, "queue_full");
  EXPECT_EQ(all.code, ErrorCode::kUnavailable);
  EXPECT_EQ(refusal({.disk_free_bytes_min = INT64_MAX}).reason, "disk_full");
  EXPECT_EQ(objects_->List("", 10)->size(), 1U);
  EXPECT_EQ(queue_->CountOpen().value(), 1);
  EXPECT_TRUE(Accept(File("b.mp4", "two"))) << "the twin: without the limits it is taken in";
  EXPECT_EQ(objects_->List("", 10)->size(), 2U);
}

TEST_P(IntakeTest, WhatIsKnownAlreadyIsAnsweredHoweverMuchWaits) {
  Intake intake({*database_, *objects_, *queue_, environment_},
                {.admission = {.tenant_queued_max = 1}});
  IntakeRequest request;
  request.kind = "external_url";
  request.locator = "https://example.org/a.mp4";
  request.external_id = "episode-7";
  const auto first = intake.AcceptUrl(scope_, request, {});
  ASSERT_TRUE(first);
  const auto again = intake.AcceptUrl(scope_, request, {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->video, first->video);
}

}  // namespace
}  // namespace narralytica::media
