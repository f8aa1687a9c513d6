// The index follows the change feed: real database, real store, real index.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/hash.hpp"
#include "index/embedded_index.hpp"
#include "index/stages.hpp"
#include "index/vector_store.hpp"
#include "jobs/changes.hpp"
#include "media/video_store.hpp"
#include "platform/file.hpp"
#include "platform/sql/test_databases.hpp"
#include "source/source_store.hpp"
#include "speakers/speaker_store.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::index {
namespace {

class CatchUpTest : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  void SetUp() override {
    folder_.emplace(std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "catchup")));
    database_ = platform::FreshDatabase(GetParam(), folder_->path());
    static constexpr platform::Statement kTenant{
        "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'default', 0)"};
    Write([&](access::Tx& tx) -> Status {
      NRL_CHECK(tx.Execute(kTenant, scope_.tenant));
      return {};
    });
    objects_ = std::move(*platform::OpenFolderStore(folder_->path() + "/objects"));
    index_ = std::move(*OpenEmbeddedIndex({.folder = folder_->path() + "/index"}));
  }

  void Write(const std::function<Status(access::Tx&)>& body) {
    const Status written = access::Write(*database_, scope_, body);
    ASSERT_TRUE(written) << written.error().message << ": " << written.error().cause;
  }

  // A video with one segment a text, and a vector for each.
  VideoId AddVideo(const std::vector<std::string>& texts) {
    const UtcMs now = environment_.clock.Now();
    const VideoId video = VideoId::New(environment_);
    transcript::Transcript transcript;
    transcript.id = TranscriptId::New(environment_);
    transcript.video = video;
    transcript.language = "en";
    const platform::ObjectRef words = *objects_->Put(scope_.tenant, std::vector<uint8_t>{'x'});
    transcript.words = words;
    std::vector<transcript::StoredSegment> segments;
    VideoVectors vectors{.model = "test-model",
                         .model_hash = std::string(64, 'a'),
                         .dimension = 4,
                         .scales = {},
                         .values = {}};
    for (const std::string& text : texts) {
      const auto i = static_cast<int>(segments.size());
      segments.push_back(
          {SegmentId::New(environment_), i, {i * 1000, i * 1000 + 900}, text, "en", 0.9});
      AppendQuantized(std::vector<float>{1.0F, 0.1F * static_cast<float>(i), 0, 0}, vectors);
    }
    const std::string bytes = EncodeVectors(vectors);
    vectors_object_ = *objects_->Put(
        scope_.tenant, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    Write([&](access::Tx& tx) -> Status {
      NRL_CHECK(media::InsertVideo(tx, {.id = video,
                                        .status = "processing",
                                        .title = "Talk",
                                        .language = "en",
                                        .duration_ms = 10'000,
                                        .published_at = {},
                                        .metadata = nlohmann::json::object(),
                                        .created_at = now}));
      NRL_CHECK(source::InsertSource(
          tx, {SourceId::New(environment_), video, "upload", "x", "", Sha256Hex(video.str()), 1},
          now));
      NRL_CHECK(transcript::InsertTranscript(tx, transcript, segments));
      NRL_CHECK(PutVectors(
          tx,
          {NewUuid(environment_), video, transcript.id, vectors.model, vectors.model_hash,
           vectors_object_.key, static_cast<int64_t>(vectors.size())},
          now));
      return jobs::AppendChange(tx, {"transcript", video.str()}, "put", now);
    });
    return video;
  }

  Result<CatchUpResult> CatchUpNow(const std::string& generation = {}) {
    const CatchUp task{*database_, *objects_, *index_, environment_, "test", generation};
    return RunCatchUp(task, Deadline::In(std::chrono::seconds(30)));
  }
  std::vector<std::string> Find(const std::string& word) {
    const auto reader = *index_->Read(scope_.tenant);
    TextQuery query{
        .op = TextQuery::Op::kWord, .terms = {{Field::kStem, word}}, .weight = 1, .parts = {}};
    std::vector<SegmentRef> refs;
    const auto matched = reader->MatchText(query, {}, {}, 10).value();
    for (const Hit& hit : matched.hits) refs.push_back(hit.ref);
    std::vector<std::string> texts;
    const auto fetched = reader->Fetch(refs).value();
    for (const FoundSegment& found : fetched) texts.push_back(found.segment.text);
    return texts;
  }

  Environment environment_ = SystemEnvironment();
  access::Scope scope_{access::DefaultTenant(), "test", {}};
  std::optional<platform::TemporaryFolder> folder_;
  std::unique_ptr<platform::Database> database_;
  std::unique_ptr<platform::ObjectStore> objects_;
  std::unique_ptr<Index> index_;
  platform::ObjectRef vectors_object_;
};

INSTANTIATE_TEST_SUITE_P(Databases, CatchUpTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(CatchUpTest, EveryCommittedChangeBecomesVisibleUnderItsNumber) {
  AddVideo({"alpha spoke first", "beta answered"});
  AddVideo({"alpha again"});
  const auto result = CatchUpNow();
  ASSERT_TRUE(result) << result.error().cause;
  EXPECT_EQ(result->as_of_seq, 2);
  EXPECT_THAT(Find("alpha"), testing::UnorderedElementsAre("alpha spoke first", "alpha again"));
  EXPECT_EQ((*index_->Read(scope_.tenant))->info().as_of_seq, 2);
  EXPECT_EQ(CatchUpNow()->recordings, 0) << "nothing is done twice";
}

// The first segment is said by a speaker who is told apart only now.
TEST_P(CatchUpTest, ANewDiarizationBringsItsSpeakersIntoTheIndex) {
  const VideoId video = AddVideo({"alpha spoke first", "beta answered"});
  ASSERT_TRUE(CatchUpNow());
  const speakers::StoredDiarization diarization{.id = speakers::DiarizationId::New(environment_),
                                                .video = video,
                                                .model = "m",
                                                .model_hash = "h",
                                                .settings_hash = "s",
                                                .created_at = environment_.clock.Now()};
  const SpeakerId speaker = SpeakerId::New(environment_);
  static constexpr platform::Statement kSpeak{
      "test.speak",
      "UPDATE segments SET speaker_id = $3, overlap_ms = 70 WHERE tenant_id = $1"
      " AND video_id = $2 AND segment_index = 0"};
  Write([&](access::Tx& tx) -> Status {
    NRL_CHECK(speakers::InsertDiarization(tx, diarization, {{.id = speaker, .label = "Speaker 1"}},
                                          {{speaker, {0, 900}, 0.75}}));
    NRL_CHECK(tx.Execute(kSpeak, tx.tenant(), video, speaker));
    return jobs::AppendChange(tx, {"diarization", video.str()}, "put", environment_.clock.Now());
  });
  const auto segments = [&](std::string name) {
    const auto reader = *index_->Read(scope_.tenant);
    TextQuery query{
        .op = TextQuery::Op::kWord, .terms = {{Field::kStem, "alpha"}}, .weight = 1, .parts = {}};
    Filter filter;
    filter.speaker = std::move(name);
    std::vector<SegmentRef> refs;
    const auto matched = reader->MatchText(query, filter, {}, 10).value();
    for (const Hit& hit : matched.hits) refs.push_back(hit.ref);
    return reader->Fetch(refs).value();
  };
  EXPECT_TRUE(segments("Speaker 1").empty()) << "not caught up yet";
  ASSERT_EQ(CatchUpNow()->recordings, 1);
  const auto found = segments("Speaker 1");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].segment.speaker_id, speaker.str());
  EXPECT_EQ(found[0].segment.speaker_name, "Speaker 1");
  EXPECT_EQ(found[0].segment.overlap_ms, 70);
}

TEST_P(CatchUpTest, ARevenantsWriteIsNotCommitted) {
  AddVideo({"alpha spoke first"});
  const Error late{ErrorCode::kConflict, "another worker has the job", {}, {}, "lease_lost"};
  CatchUp task{*database_,
               *objects_,
               *index_,
               environment_,
               "revenant",
               "",
               [&] {
                 return Status(Fail(late)); }};
  const auto refused = RunCatchUp(task, Deadline::In(std::chrono::seconds(30)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "lease_lost");
  EXPECT_THAT(Find("alpha"), testing::IsEmpty());
  task.may_commit = {};
  ASSERT_TRUE(RunCatchUp(task, Deadline::In(std::chrono::seconds(30))));
  EXPECT_THAT(Find("alpha"), testing::SizeIs(1)) << "unfenced it would have been seen";
}

TEST_P(CatchUpTest, ADeletedVideoLeavesTheIndex) {
  const VideoId video = AddVideo({"alpha spoke first"});
  ASSERT_TRUE(CatchUpNow());
  Write([&](access::Tx& tx) -> Status {
    NRL_CHECK(media::SetVideoStatus(tx, video, "deleted", environment_.clock.Now()));
    return jobs::AppendChange(tx, {"video", video.str()}, "delete", environment_.clock.Now());
  });
  ASSERT_TRUE(CatchUpNow());
  EXPECT_THAT(Find("alpha"), testing::IsEmpty());
}

TEST_P(CatchUpTest, ARebuildBesideTheLiveIndexGivesTheSameAnswers) {
  AddVideo({"alpha spoke first", "alpha closed"});
  AddVideo({"gamma spoke"});
  ASSERT_TRUE(CatchUpNow());
  const auto before = Find("alpha");
  const auto rebuilt = CatchUpNow("g2");
  ASSERT_TRUE(rebuilt) << rebuilt.error().cause;
  EXPECT_EQ(rebuilt->as_of_seq, 2);
  ASSERT_TRUE(index_->Switch("g2", Deadline::In(std::chrono::seconds(5))));
  EXPECT_EQ((*index_->Read(scope_.tenant))->info().generation, "g2");
  EXPECT_EQ(Find("alpha"), before);
}

TEST_P(CatchUpTest, DamagedVectorsAreReportedAndWordsStayFindable) {
  AddVideo({"alpha spoke first"});
  const auto object = *objects_->Locate(vectors_object_.key);
  std::filesystem::permissions(object.path, std::filesystem::perms::owner_all);
  std::fstream(object.path, std::ios::in | std::ios::out | std::ios::binary).seekp(80).put('!');
  const auto result = CatchUpNow();
  ASSERT_TRUE(result) << result.error().cause;
  ASSERT_EQ(result->failures.size(), 1U);
  EXPECT_EQ(result->failures[0].second.code, ErrorCode::kCorrupt);
  EXPECT_THAT(Find("alpha"), testing::SizeIs(1));
}

}  // namespace
}  // namespace narralytica::index
