// Every module's statements on every database: each store function runs once, and the names of the
// statements that the database was asked for are compared with those in the source.
#include <gmock/gmock.h>

#include <filesystem>
#include <mutex>
#include <regex>
#include <set>

#include "access/idempotency.hpp"
#include "access/keys.hpp"
#include "index/vector_store.hpp"
#include "jobs/changes.hpp"
#include "jobs/job_lists.hpp"
#include "jobs/lease.hpp"
#include "jobs/queue.hpp"
#include "media/video_list.hpp"
#include "media/video_store.hpp"
#include "platform/sql/test_databases.hpp"
#include "source/feeds.hpp"
#include "source/source_store.hpp"
#include "source/uploads.hpp"
#include "speakers/erasure.hpp"
#include "speakers/identify.hpp"
#include "speakers/people_lists.hpp"
#include "speakers/speaker_store.hpp"
#include "transcript/transcript_lists.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::index {
namespace {

using access::Tx;
using platform::SqlDialect;

// Passes everything on and keeps the names.
class Recorder final : public platform::Database {
 public:
  explicit Recorder(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  Result<std::unique_ptr<platform::SqlTransaction>> Begin(platform::SqlAccess access) override {
    NRL_TRY(auto transaction, database_->Begin(access));
    return std::make_unique<Transaction>(*this, std::move(transaction));
  }
  SqlDialect dialect() const override { return database_->dialect(); }
  Status CopyTo(const std::string& path) override { return database_->CopyTo(path); }
  Status CheckIntegrity() override { return database_->CheckIntegrity(); }

  std::set<std::string> names;

 private:
  class Transaction final : public platform::SqlTransaction {
   public:
    Transaction(Recorder& owner, std::unique_ptr<SqlTransaction> inner)
        : owner_(owner), inner_(std::move(inner)) {}
    Result<platform::Rows> Query(const platform::Statement& statement,
                                 const platform::SqlParams& params) override {
      owner_.names.insert(statement.name);
      return inner_->Query(statement, params);
    }
    Result<int64_t> Execute(const platform::Statement& statement,
                            const platform::SqlParams& params) override {
      owner_.names.insert(statement.name);
      return inner_->Execute(statement, params);
    }
    Status ExecuteScript(std::string_view script) override { return inner_->ExecuteScript(script); }
    Status Commit() override { return inner_->Commit(); }

   private:
    Recorder& owner_;
    std::unique_ptr<SqlTransaction> inner_;
  };

  std::unique_ptr<Database> database_;
};

// The names in src/, but for tests and for the modules that this test cannot see.
std::set<std::string> NamesInSource() {
  static const std::regex name("Statement\\s+k\\w+\\s*\\{\\s*\"([\\w.]+)\"");
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("src")) {
    const std::string path = entry.path().string();
    const bool test = path.find("_test.cpp") != std::string::npos || path.ends_with(".hpp");
    const bool statements = path.ends_with("_statements.hpp");
    if (!entry.is_regular_file() || (test && !statements)) continue;
    if (path.starts_with("src/platform/") || path.starts_with("src/app/")) continue;
    const std::string text = platform::ReadFile(path, 1 << 20).value();
    for (auto match = std::sregex_iterator(text.begin(), text.end(), name);
         match != std::sregex_iterator(); ++match) {
      names.insert((*match)[1]);
    }
  }
  return names;
}

class EveryStatement : public testing::TestWithParam<SqlDialect> {
 protected:
  template <typename Body>
  auto Write(Body&& body) {
    auto done = access::Write(database_, scope_, body);
    EXPECT_TRUE(done) << done.error().message << ": " << done.error().cause;
    return std::move(done).value();
  }
  template <typename Body>
  auto Read(Body&& body) {
    auto done = access::Read(database_, scope_, body);
    EXPECT_TRUE(done) << done.error().message << ": " << done.error().cause;
    return std::move(done).value();
  }

  void SetUp() override {
    static constexpr platform::Statement kTenant{
        "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'default', 0)"};
    Write([&](Tx& tx) { return tx.Execute(kTenant, scope_.tenant); });
  }

  void TellOfVideos();
  void TellOfSpeakers();
  void TellOfPeople();
  SpeakerId Identify(const VideoId& video);
  void TellOfTranscripts();
  void TellOfJobs();
  void TakeTurns();
  void TellOfRequests();
  void TellOfCallers();
  void TellOfUploads();
  void TellOfFeeds();
  void ShowLists();
  void DeleteAll();
  JobId Enqueue(jobs::Queue& queue, const std::string& unique_key) {
    return Write([&](Tx& tx) {
      return queue.Enqueue(tx, {.stage = {"transcribe", ""},
                                .video = video_,
                                .payload = "{}",
                                .priority = 0,
                                .attempts_max = 3,
                                .unique_key = unique_key});
    });
  }

  Environment environment_ = SystemEnvironment();
  access::Scope scope_{access::DefaultTenant(), "test", "trace"};
  platform::TemporaryFolder folder_ =
      std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "statements"));
  Recorder database_{platform::FreshDatabase(GetParam(), folder_.path())};
  VideoId video_ = VideoId::New(environment_);
  TranscriptId transcript_ = TranscriptId::New(environment_);
};

INSTANTIATE_TEST_SUITE_P(Databases, EveryStatement, platform::kEveryDialect,
                         platform::DialectLabel);

void EveryStatement::TellOfVideos() {
  const media::Video video{.id = video_,
                           .status = "queued",
                           .title = "Ünïcode 'quoted'",
                           .language = "",
                           .duration_ms = std::nullopt,
                           .published_at = UtcMs{1},
                           .metadata = {{"a", 1}},
                           .created_at = UtcMs{2}};
  const source::Source source{
      SourceId::New(environment_), video_, "upload", "x.mp4", "episode-7", "hash", 42};
  const media::Artifact artifact{"audio", {"key", "hash", 7}, "audio/flac", {{"channels", 2}}};
  Write([&](Tx& tx) -> Status {
    NRL_CHECK(media::InsertVideo(tx, video));
    NRL_CHECK(source::InsertSource(tx, source, UtcMs{2}));
    NRL_CHECK(media::PutArtifact(tx, video_, artifact, environment_));
    NRL_CHECK(media::PutArtifact(tx, video_, artifact, environment_));
    NRL_CHECK(media::SetVideoStatus(tx, video_, "processing", UtcMs{3}));
    NRL_CHECK(media::SetVideoDuration(tx, video_, 60'000, UtcMs{3}));
    NRL_CHECK(media::SetVideoName(tx, video_, {video.title, UtcMs{7}}, UtcMs{3}));
    NRL_CHECK(source::SetContent(tx, video_, "hash", 42));
    return media::SetVideoLanguage(tx, video_, "de", UtcMs{3});
  });
  Read([&](Tx& tx) -> Status {
    NRL_TRY(const media::Video got, media::GetVideo(tx, video_));
    EXPECT_EQ(got.title, video.title);
    EXPECT_EQ(got.status, "processing");
    EXPECT_EQ(got.language, "de");
    EXPECT_EQ(got.published_at, UtcMs{1});
    EXPECT_EQ(got.duration_ms, 60'000);
    EXPECT_EQ(got.metadata, video.metadata);
    NRL_TRY(const auto listed, media::ListVideos(tx, VideoId(), 10));
    EXPECT_EQ(listed.size(), 1U);
    NRL_TRY(const auto before, media::ListVideos(tx, video_, 10));
    EXPECT_TRUE(before.empty());
    NRL_TRY(const auto artifacts, media::ArtifactsOf(tx, video_));
    EXPECT_EQ(artifacts.size(), 1U);
    NRL_TRY(const auto by_content, source::FindByContent(tx, "hash"));
    EXPECT_EQ(by_content->bytes, 42);
    NRL_TRY(const auto by_id, source::FindByExternalId(tx, "episode-7"));
    EXPECT_EQ(by_id->video, video_);
    NRL_TRY(const auto of_video, source::SourceOfVideo(tx, video_));
    EXPECT_EQ(of_video.locator, "x.mp4");
    return {};
  });
}

void EveryStatement::TellOfTranscripts() {
  transcript::Transcript transcript;
  transcript.id = transcript_;
  transcript.video = video_;
  transcript.language = "de";
  const std::vector<transcript::StoredSegment> segments{
      {SegmentId::New(environment_), 0, {0, 900}, "eins", "de", 0.25}};
  Write([&](Tx& tx) -> Status {
    transcript::Transcript first = transcript;
    first.id = TranscriptId::New(environment_);
    NRL_CHECK(transcript::InsertTranscript(tx, first, {}));
    NRL_CHECK(transcript::InsertTranscript(tx, transcript, segments));
    const StoredVectors vectors{NewUuid(environment_), video_, transcript_, "m", "h", "key", 1};
    NRL_CHECK(PutVectors(tx, vectors, UtcMs{1}));
    return PutVectors(tx, vectors, UtcMs{2});
  });
  Read([&](Tx& tx) -> Status {
    NRL_TRY(const auto current, transcript::CurrentTranscript(tx, video_));
    EXPECT_EQ(current.id, transcript_);
    EXPECT_EQ(current.version, 2);
    NRL_TRY(const auto all, transcript::ListTranscripts(tx, TranscriptId(), 10));
    EXPECT_EQ(all.size(), 2U);
    NRL_TRY(const auto stored, transcript::SegmentsOf(tx, transcript_));
    EXPECT_EQ(stored.at(0).confidence, 0.25);
    NRL_TRY(const auto vectors, VectorsOf(tx, transcript_));
    EXPECT_EQ(vectors->count, 1);
    NRL_TRY(const auto listed, ListVectors(tx, "", 10));
    EXPECT_EQ(listed.size(), 1U);
    return {};
  });
  Write([&](Tx& tx) -> Status {
    NRL_TRY(const auto listed, ListVectors(tx, "", 10));
    NRL_CHECK(DeleteVectors(tx, listed.at(0).id));
    NRL_TRY(const auto left, ListVectors(tx, "", 10));
    EXPECT_TRUE(left.empty());
    return {};
  });
}

void EveryStatement::TellOfJobs() {
  jobs::Queue queue(database_, environment_, {});
  const WorkerId worker = WorkerId::New(environment_);
  ASSERT_TRUE(queue.SeeWorker(worker, 1));
  EXPECT_EQ(queue.CountLiveWorkers().value(), 1);
  const JobId id = Enqueue(queue, "one");
  EXPECT_EQ(Enqueue(queue, "one"), id);
  EXPECT_EQ(queue.CountOpen().value(), 1);
  EXPECT_EQ(queue.CountQueued(scope_.tenant, {5, 5})->of_tenant, 1);
  auto claimed = queue.Claim(worker).value();
  EXPECT_FALSE(queue.Heartbeat(claimed->lease, {0.5, "decoding", 7})->lost);
  EXPECT_TRUE(queue.CheckLease(claimed->lease));
  ASSERT_TRUE(queue.AppendCheckpoint(claimed->lease, 0, "part"));
  EXPECT_EQ(queue.LoadCheckpoints(claimed->lease)->size(), 1U);
  Write([&](Tx& tx) { return queue.RequestCancel(tx, id); });
  ASSERT_TRUE(queue.Release(claimed->lease));
  Write([&](Tx& tx) { return queue.RequestCancel(tx, id); });
  Write([&](Tx& tx) { return queue.Redrive(tx, id); });
  claimed = queue.Claim(worker).value();
  Write([&](Tx& tx) {
    return queue.FailAttempt(tx, claimed->lease, {ErrorCode::kUnavailable, "away", {}, {}, "away"});
  });
  Write([&](Tx& tx) { return queue.RequestCancel(tx, id); });
  Write([&](Tx& tx) { return queue.Redrive(tx, id); });
  claimed = queue.Claim(worker).value();
  Write([&](Tx& tx) { return queue.Complete(tx, claimed->lease); });
  EXPECT_EQ(Read([&](Tx& tx) { return queue.Get(tx, id); }).status, jobs::JobStatus::kSucceeded);
  EXPECT_EQ(Read([&](Tx& tx) { return queue.OfVideo(tx, video_); }).size(), 1U);
  EXPECT_EQ(Read([&](Tx& tx) { return queue.List(tx, JobId(), 10); }).size(), 1U);
  ASSERT_TRUE(queue.ForgetWorker(worker));
  TakeTurns();
}

// Two tenants with work, under limits.
void EveryStatement::TakeTurns() {
  static constexpr platform::Statement kTenant{
      "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, $2, 0)"};
  jobs::QueueConfig config;
  config.running.tenant_max = config.running.ingest_max = config.running.service_max = 1;
  jobs::Queue queue(database_, environment_, config);
  for (const char* name : {"ann", "bob"}) {
    const access::Scope scope{TenantId::New(environment_), "test", "trace"};
    ASSERT_TRUE(access::Write(database_, scope, [&](Tx& tx) -> Status {
      NRL_CHECK(tx.Execute(kTenant, scope.tenant, name));
      for (int i = 0; i < 2; ++i) {
        NRL_CHECK(queue.Enqueue(tx, {.stage = {"ingest", ""}, .video = video_}));
      }
      return {};
    }));
  }
  const auto claimed = queue.Claim(WorkerId::New(environment_)).value();
  EXPECT_FALSE(queue.Claim(WorkerId::New(environment_)).value());
  ASSERT_TRUE(access::Write(database_, {claimed->job.tenant, "test", {}}, [&](Tx& tx) {
    return queue.FailAttempt(tx, claimed->lease, {ErrorCode::kInvalid, "bad", {}, {}, "bad"});
  }));
  const auto other = queue.Claim(WorkerId::New(environment_)).value();
  EXPECT_NE(other->job.tenant, claimed->job.tenant);
  EXPECT_EQ(queue.CompleteMany({claimed->lease, other->lease})->size(), 1U);
}

void EveryStatement::TellOfRequests() {
  const access::IdempotentRequest request{"ingest", "key", "request"};
  Write([&](Tx& tx) -> Status {
    NRL_CHECK(tx.Lock("test"));
    NRL_CHECK(access::RecordAnswer(tx, request, "{}", UtcMs{1}));
    NRL_CHECK(access::FindReplay(tx, request));
    NRL_CHECK(access::ExpireKeys(tx, UtcMs{2}));
    return jobs::AppendChange(tx, {"video", video_.str()}, "put", UtcMs{1});
  });
  ASSERT_TRUE(access::Write(database_, access::SystemScope("test"), [](Tx& tx) -> Status {
    NRL_CHECK(jobs::NumberChanges(tx, 10));
    NRL_CHECK(jobs::ReadAllChanges(tx, 0, 10));
    NRL_CHECK(jobs::OldestChangeAfter(tx, 0));
    return {};
  }));
  const auto lease = jobs::TakeLease(database_, environment_, {"name", "holder", 0}, 1'000);
  ASSERT_TRUE(lease && *lease);
  ASSERT_TRUE(jobs::DropLease(database_, **lease));
}

void EveryStatement::TellOfSpeakers() {
  const speakers::StoredDiarization diarization{.id = speakers::DiarizationId::New(environment_),
                                                .video = video_,
                                                .model = "m",
                                                .model_hash = "h",
                                                .settings_hash = "s",
                                                .created_at = environment_.clock.Now()};
  const SpeakerId speaker = SpeakerId::New(environment_);
  Write([&](Tx& tx) {
    return speakers::InsertDiarization(tx, diarization,
                                       {{.id = speaker, .label = "Speaker 1", .speech_ms = 900}},
                                       {{speaker, {0, 900}, 0.75}});
  });
  Read([&](Tx& tx) -> Status {
    NRL_TRY(const auto current, speakers::CurrentDiarization(tx, video_));
    EXPECT_EQ(current->id, diarization.id);
    NRL_TRY(const auto told, speakers::SpeakersOf(tx, diarization.id));
    EXPECT_EQ(told.at(0).label, "Speaker 1");
    EXPECT_EQ(told.at(0).turns_count, 1);
    EXPECT_EQ(speakers::DisplayName(told.at(0)), "Speaker 1");
    NRL_TRY(const auto of_video, speakers::SpeakersOfVideo(tx, video_));
    EXPECT_EQ(of_video.size(), 1U);
    NRL_TRY(const auto turns, speakers::TurnsOf(tx, diarization.id));
    EXPECT_EQ(turns.at(0).range, (TimeRange{0, 900}));
    NRL_TRY(const auto page, speakers::ListSpeakers(tx, video_, {}));
    EXPECT_EQ(page.total, 1);
    NRL_TRY(const auto found, speakers::GetSpeaker(tx, speaker));
    EXPECT_EQ(found.speech_ms, 900);
    return {};
  });
}

// Tells a video's speakers apart anew: always the same voice.
SpeakerId EveryStatement::Identify(const VideoId& video) {
  const speakers::StoredDiarization diarization{.id = speakers::DiarizationId::New(environment_),
                                                .video = video,
                                                .model = "m",
                                                .model_hash = "h",
                                                .settings_hash = "s",
                                                .created_at = environment_.clock.Now()};
  const SpeakerId speaker = SpeakerId::New(environment_);
  speakers::Voice voice{};
  voice[0] = 1;
  EXPECT_TRUE(access::Write(database_, scope_, [&](Tx& tx) -> Status {
    NRL_CHECK(speakers::InsertDiarization(
        tx, diarization, {{.id = speaker, .label = "Speaker 1", .speech_ms = 9'000}},
        {{speaker, {0, 9'000}, 0.75}}));
    return speakers::IdentifySpeakers(
        tx, {video, diarization.id, {"m", "h"}, {{speaker, 9'000, voice}}}, environment_, {});
  }));
  return speaker;
}

void EveryStatement::TellOfPeople() {
  jobs::Queue queue(database_, environment_, {});
  const auto act = [&](const auto& action) {
    return Write([&](Tx& tx) {
      speakers::People people(tx, {queue, environment_, {}});
      return action(people);
    });
  };
  const SpeakerId first = Identify(video_);
  const PersonId ada = *act([&](auto& people) { return people.Assign(first, "Ada"); }).person;
  const SpeakerId speaker = Identify(video_);
  const VideoId other = VideoId::New(environment_);
  const media::Video more{.id = other, .status = "ready", .created_at = UtcMs{-1}};
  Write([&](Tx& tx) { return media::InsertVideo(tx, more); });
  Identify(other);
  const SpeakerId matched = Identify(other);
  act([&](auto& people) { return people.Rename(ada, "Ada L."); });
  act([&](auto& people) { return people.SetConsent(ada, "granted"); });
  const PersonId twin = *act([&](auto& people) { return people.Create("Twin"); }).person;
  act([&](auto& people) { return people.Enrol(twin, speaker); });
  const auto merged = act([&](auto& people) { return people.Merge(twin, ada); });
  act([&](auto& people) { return people.Undo(merged.events[0]); });
  const auto rejected = act([&](auto& people) { return people.Reject(matched, ada); });
  act([&](auto& people) { return people.Undo(rejected.events[0]); });
  const auto made = act([&](auto& people) { return people.Create("Nobody"); });
  act([&](auto& people) { return people.Undo(made.events[0]); });
  act([&](auto& people) { return people.Merge(ada, twin); });
  Read([&](Tx& tx) -> Status {
    NRL_TRY(const auto listed, speakers::ListPeople(tx, {.q = "twin", .state = "named"}, {}));
    EXPECT_EQ(listed.total, 1);
    NRL_TRY(const auto profile, speakers::LoadProfile(tx, twin));
    EXPECT_EQ(profile.appearances.size(), 2U);
    NRL_TRY(const auto named, speakers::PeopleOfVideo(tx, video_));
    EXPECT_EQ(named.size(), 1U);
    NRL_TRY(const auto events, speakers::ListIdentityEvents(tx, twin, {}));
    EXPECT_EQ(events.total, 5);
    return {};
  });
  for (int look = 1; look <= 2; ++look) {
    const auto proof = speakers::ErasePerson({database_,
                                              {queue, environment_, {}},
                                              folder_.path(),
                                              [] { return std::optional<UtcMs>(); }},
                                             scope_, twin);
    ASSERT_TRUE(proof) << look << ": " << proof.error().cause;
    EXPECT_TRUE(proof->complete);
  }
  Identify(video_);
  Write([&](Tx& tx) { return speakers::DeleteVoicesOfVideo(tx, other); });
}

void EveryStatement::TellOfCallers() {
  const auto created = Write([&](Tx& tx) {
    return access::CreateKey(tx, {.name = "n", .role = "admin", .scopes = {}, .expires_at = {}},
                             environment_);
  });
  const auto session =
      Write([&](Tx& tx) { return access::CreateSession(tx, created.key, environment_); });
  const UtcMs now = environment_.clock.Now();
  ASSERT_TRUE(access::Read(database_, access::SystemScope("test"), [&](Tx& tx) -> Status {
    NRL_TRY(const auto key, access::FindKey(tx, created.secret, now));
    EXPECT_TRUE(key);
    NRL_TRY(const auto found, access::FindSession(tx, session.token, now));
    EXPECT_EQ(found->csrf_token, session.session.csrf_token);
    return {};
  }));
  Write([&](Tx& tx) -> Status {
    NRL_CHECK(access::NoteKeyUse(tx, created.key, now));
    NRL_TRY(const auto keys, access::ListKeys(tx, {}));
    EXPECT_EQ(keys.total, 1);
    NRL_TRY(const int64_t usable, access::CountUsableKeys(tx, now));
    EXPECT_EQ(usable, 1);
    NRL_CHECK(access::EndSession(tx, session.session.id));
    NRL_CHECK(access::ExpireSessions(tx, now));
    return access::RevokeKey(tx, created.key.id, now);
  });
}

void EveryStatement::TellOfUploads() {
  const auto uploads = source::Uploads::Open(folder_.path() + "/uploads", environment_, {}).value();
  Write([&](Tx& tx) -> Status {
    NRL_TRY(const auto upload, uploads->Create(tx, 7, "filename eA=="));
    NRL_TRY(const auto found, uploads->Get(tx, upload.id));
    EXPECT_EQ(found.bytes_total, 7);
    NRL_CHECK(uploads->Prolong(tx, upload.id));
    NRL_CHECK(uploads->NoteVideo(tx, upload.id, video_));
    NRL_CHECK(uploads->Sweep(tx));
    NRL_TRY(const auto other, uploads->Create(tx, 7, ""));
    return uploads->Delete(tx, other.id);
  });
}

void EveryStatement::TellOfFeeds() {
  const source::Feed wanted{.kind = "feed", .locator = "https://example.org/feed"};
  const UtcMs now = environment_.clock.Now();
  const source::Feed feed =
      Write([&](Tx& tx) { return source::CreateFeed(tx, wanted, environment_); });
  ASSERT_TRUE(access::Read(database_, access::SystemScope("test"), [&](Tx& tx) -> Status {
    NRL_TRY(const auto due, source::DueFeeds(tx, UtcMs{now.value + 60'000}, 10));
    EXPECT_EQ(due.at(0).id, feed.id);
    return {};
  }));
  Write([&](Tx& tx) -> Status {
    NRL_TRY(const auto begun, source::BeginPoll(tx, feed.id, 1, UtcMs{now.value + 60'000}));
    EXPECT_TRUE(begun->polling);
    NRL_CHECK(source::PutItem(tx, feed.id, {"k", "seen", "m", {}, {}, now}));
    NRL_CHECK(source::PutItem(tx, feed.id, {"k", "taken", "m", video_, {}, now}));
    NRL_TRY(const auto item, source::FindItem(tx, feed.id, "k"));
    EXPECT_EQ(item->video, video_);
    NRL_CHECK(source::EndPoll(tx, feed.id, {1, now, now, {}, "Title", "etag", "date"}));
    const Error failed{ErrorCode::kUnavailable, "silent", "wait", {}, "url_unreachable"};
    NRL_CHECK(source::EndPoll(tx, feed.id, {1, now, UtcMs{1LL << 50}, failed, "", "", ""}));
    NRL_CHECK(source::MakeDue(tx, feed.id, now));
    NRL_TRY(const auto feeds, source::ListFeeds(tx, {}));
    EXPECT_EQ(feeds.items.at(0).title, "Title");
    NRL_TRY(const auto polled, source::FeedsPolledSince(tx, now, 10));
    EXPECT_EQ(polled.size(), 1U);
    EXPECT_EQ(feeds.items.at(0).etag, "etag");
    EXPECT_EQ(feeds.items.at(0).item_count, 1);
    EXPECT_EQ(feeds.items.at(0).error->reason, "url_unreachable");
    EXPECT_EQ(feeds.items.at(0).next_poll_at, now);
    return source::DeleteFeed(tx, feed.id);
  });
}

void EveryStatement::ShowLists() {
  Read([&](Tx& tx) -> Status {
    using media::VideoOrder;
    for (const VideoOrder order : {VideoOrder::kOldestFirst, VideoOrder::kNewestFirst,
                                   VideoOrder::kByTitle, VideoOrder::kByTitleDescending}) {
      NRL_TRY(const auto videos, media::ListVideos(tx, {{}, "QUOTED", order}, {}));
      EXPECT_EQ(videos.total, 1);
    }
    NRL_TRY(const auto videos, media::VideosUpdatedSince(tx, UtcMs{0}, 10));
    EXPECT_EQ(videos.size(), 1U);
    NRL_TRY(const auto found, jobs::ListJobs(tx, {{}, "transcribe", video_}, {}));
    EXPECT_EQ(found.total, 1);
    const JobId job = found.items.at(0).id;
    NRL_TRY(const auto dead, jobs::ListDeadLetters(tx, {"bad", ""}, JobId(), 10));
    EXPECT_TRUE(dead.empty());
    NRL_TRY(const auto runs, jobs::ListRuns(tx, job, {}));
    EXPECT_EQ(runs.total, 3);
    NRL_TRY(const auto events, jobs::ListEvents(tx, job, {}));
    EXPECT_GT(events.total, 2);
    NRL_TRY(const auto updated, jobs::JobsUpdatedSince(tx, UtcMs{0}, 10));
    EXPECT_EQ(updated.size(), 1U);
    NRL_TRY(const auto changes, jobs::ReadChanges(tx, 0, 10));
    EXPECT_FALSE(changes.empty());
    NRL_TRY(const auto transcripts, transcript::ListTranscripts(tx, video_, {}));
    EXPECT_EQ(transcripts.total, 2);
    NRL_CHECK(transcript::GetTranscript(tx, transcript_));
    NRL_TRY(const auto segments, transcript::ListSegments(tx, {video_, {}}, {}));
    EXPECT_EQ(segments.total, 1);
    NRL_CHECK(transcript::GetSegment(tx, segments.items.at(0).segment.id));
    return {};
  });
}

void EveryStatement::DeleteAll() {
  media::Video twin{.id = VideoId::New(environment_), .status = "queued", .title = "twin"};
  Write([&](Tx& tx) -> Status {
    NRL_CHECK(media::InsertVideo(tx, twin));
    NRL_CHECK(source::MoveSource(tx, twin.id, video_));
    NRL_CHECK(media::SetDuplicateOf(tx, twin.id, video_, UtcMs{8}));
    NRL_TRY(const media::Video stands_for, media::GetVideo(tx, twin.id));
    EXPECT_EQ(stands_for.id, video_);
    return {};
  });
  Write([&](Tx& tx) { return media::DeleteVideo(tx, video_, UtcMs{9}); });
  Read([&](Tx& tx) -> Status {
    EXPECT_FALSE(media::GetVideo(tx, video_));
    return {};
  });
}

TEST_P(EveryStatement, RunsOnThisDatabase) {
  TellOfVideos();
  TellOfSpeakers();
  TellOfTranscripts();
  TellOfJobs();
  TellOfRequests();
  TellOfCallers();
  TellOfUploads();
  TellOfFeeds();
  ShowLists();
  TellOfPeople();
  DeleteAll();
  const std::set<std::string> source = NamesInSource();
  EXPECT_GT(source.size(), 45U);
  std::set<std::string> missed;
  std::ranges::set_difference(source, database_.names, std::inserter(missed, missed.end()));
  // The transaction's own are PostgreSQL's alone.
  std::set<std::string> excused;
  excused = {"job_checkpoints.drop"};  // a function does it
  if (GetParam() == SqlDialect::kSqlite) {
    excused = {"tx.lock", "tx.set_scope", "jobs.claim_many", "jobs.complete", "jobs.complete_many"};
  }
  EXPECT_EQ(missed, excused) << "call the function that runs them";
}

}  // namespace
}  // namespace narralytica::index
