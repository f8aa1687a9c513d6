// A recording's whole life, from its acceptance to the index, with one fault at each call to the
// database or the object store in turn: refused, done with the answer lost, the process killed, the
// database killed. Whatever happens, the recording ends ready and nothing of it is there twice.
//
// The stages that run models are stand-ins that make the same calls; queue, intake, embedding and
// index stage, stores and index are real. NRL_FAULT_STEP=1 meets every call; the default leaves
// some out on the slow ways, from a different first one each day.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "index/embedded_index.hpp"
#include "index/stages.hpp"
#include "index/vector_store.hpp"
#include "jobs/changes.hpp"
#include "jobs/outcome.hpp"
#include "jobs/pipeline.hpp"
#include "media/intake.hpp"
#include "platform/file.hpp"
#include "platform/objects/faulty_store.hpp"
#include "platform/sql/faulty_database.hpp"
#include "platform/sql/test_databases.hpp"
#include "speakers/diarize_stage.hpp"
#include "speakers/speaker_store.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::index {
namespace {

using platform::Fault;
using platform::FaultPlan;

constexpr int kTurnsMax = 40;
constexpr int64_t kTurnMs = 120'000;  // beyond every lease and every wait before a retry

// Cuts "audio" from nothing.
class PrepareStandIn final : public jobs::Stage {
 public:
  explicit PrepareStandIn(platform::ObjectStore& objects) : objects_(objects) {}
  Status Run(jobs::StageContext& context) override {
    NRL_TRY(const auto audio,
            objects_.Put(context.scope().tenant, std::vector<uint8_t>{'f', 'L', 'a', 'C'}));
    return context.Finish([&](access::Tx& tx) -> Status {
      const UtcMs now = context.environment().clock.Now();
      const VideoId& video = context.job().video;
      NRL_CHECK(
          media::PutArtifact(tx, video, {"audio", audio, "audio/flac"}, context.environment()));
      NRL_CHECK(media::SetVideoDuration(tx, video, 2'000, now));
      return jobs::AppendChange(tx, {"video", video.str()}, "put", now);
    });
  }

 private:
  platform::ObjectStore& objects_;
};

// Two speakers, a turn each.
class DiarizeStandIn final : public jobs::Stage {
 public:
  Status Run(jobs::StageContext& context) override {
    const VideoId& video = context.job().video;
    const speakers::StoredDiarization diarization{
        .id = speakers::DiarizationId::New(context.environment()), .video = video};
    std::vector<speakers::StoredSpeaker> voices;
    std::vector<speakers::StoredTurn> turns;
    for (int i = 0; i < 2; ++i) {
      voices.push_back({.id = SpeakerId::New(context.environment()), .speaker_index = i});
      turns.push_back({voices.back().id, {i * 1'000, i * 1'000 + 900}, 0.5});
    }
    return context.Finish([&](access::Tx& tx) -> Status {
      NRL_CHECK(speakers::InsertDiarization(tx, diarization, voices, turns));
      return jobs::AppendChange(tx, {"diarization", video.str()}, "put",
                                context.environment().clock.Now());
    });
  }
};

// Two segments in two batches, the first of which may be there from an attempt before.
class TranscribeStandIn final : public jobs::Stage {
 public:
  explicit TranscribeStandIn(platform::ObjectStore& objects) : objects_(objects) {}
  Status Run(jobs::StageContext& context) override {
    NRL_TRY(auto batches, context.LoadCheckpoints());
    while (batches.size() < 2) {
      batches.push_back("words of batch " + std::to_string(batches.size()));
      NRL_CHECK(context.AppendCheckpoint(static_cast<int>(batches.size()) - 1, batches.back()));
    }
    NRL_TRY(const auto turns, context.Read([&](access::Tx& tx) {
      return speakers::CurrentTurns(tx, context.job().video);
    }));
    transcript::Transcript transcript;
    transcript.id = TranscriptId::New(context.environment());
    transcript.video = context.job().video;
    transcript.language = "en";
    std::vector<transcript::StoredSegment> segments;
    for (const std::string& text : batches) {
      const auto i = static_cast<int>(segments.size());
      segments.push_back({SegmentId::New(context.environment()),
                          i,
                          {i * 1'000, i * 1'000 + 900},
                          text,
                          "en",
                          0.5,
                          turns.at(segments.size()).speaker});
    }
    const std::string words = transcript::EncodeWords({{}, {}});
    NRL_TRY(transcript.words,
            objects_.Put(context.scope().tenant,
                         {reinterpret_cast<const uint8_t*>(words.data()), words.size()}));
    return context.Finish([&](access::Tx& tx) -> Status {
      NRL_CHECK(transcript::InsertTranscript(tx, transcript, segments));
      return jobs::AppendChange(tx, {"transcript", transcript.video.str()}, "put",
                                context.environment().clock.Now());
    });
  }

 private:
  platform::ObjectStore& objects_;
};

class EmbedderStandIn final : public Embedder {
 public:
  Result<Embeddings> Embed(EmbeddingKind, std::span<const std::string> texts,
                           const Deadline&) override {
    Embeddings embeddings{"stand-in", std::string(64, 'a'), 4, {}};
    for (size_t i = 0; i < texts.size(); ++i) {
      embeddings.values.insert(embeddings.values.end(), {1, 0, 0, 0});
    }
    return embeddings;
  }
};

// What a crash leaves: a folder and a database, and a clock that goes on.
struct World {
  platform::SqlDialect dialect;
  std::string folder;
  std::string postgres_url;
  FakeClock clock{UtcMs{1'700'000'000'000}};

  std::unique_ptr<platform::Database> OpenDatabase() const {
    if (dialect == platform::SqlDialect::kPostgres) {
      return std::move(*platform::OpenPostgres({.url = postgres_url}));
    }
    return std::move(*platform::OpenSqlite({.path = folder + "/life.db"}));
  }
  std::string recording() const { return folder + "/recording.wav"; }
};

// A process that accepts the recording and works until it is ready.
class Process {
 public:
  Process(World& world, FaultPlan& plan)
      : world_(world),
        environment_{world.clock, random_},
        truth_(world.OpenDatabase()),
        database_(world.OpenDatabase(), plan),
        objects_(std::move(*platform::OpenFolderStore(world.folder + "/objects")), plan),
        index_(std::move(*OpenEmbeddedIndex({.folder = world.folder + "/index"}))),
        queue_(database_, environment_, {}),
        worker_(WorkerId::New(environment_)) {
    stages_["ingest"] = std::make_unique<PrepareStandIn>(objects_);
    stages_["diarize"] = std::make_unique<DiarizeStandIn>();
    stages_["transcribe"] = std::make_unique<TranscribeStandIn>(objects_);
    stages_["enrich:embedding"] = MakeEmbeddingStage(embedder_, objects_);
    stages_["index"] = MakeIndexStage(*index_, objects_);
  }

  // False when it is not ready after all turns.
  bool Live() {
    for (int turn = 0; turn < kTurnsMax && !IsReady(); ++turn) {
      if (!accepted_) {
        accepted_ = Accept().has_value();
      } else {
        Work();
      }
      world_.clock.Advance(kTurnMs);
      if (world_.dialect == platform::SqlDialect::kPostgres) {
        platform::SetLeaseClock(*world_.OpenDatabase(), world_.clock);
      }
    }
    return IsReady();
  }

  // The rows that a query of the form SELECT text counts, past every fault.
  std::string Ask(const std::string& sql) {
    const platform::Statement statement{"test.ask", sql.c_str()};
    for (int i = 0;; ++i) {
      const auto rows = access::Read(
          *truth_, scope_, [&](access::Tx& tx) { return tx.Query(statement, tx.tenant()); });
      if (rows) return rows->empty() ? "" : rows->at(0).TextOrEmpty(0);
      // The first after the database was killed finds a broken connection.
      if (i == 3) return rows.error().Describe();
    }
  }

  // Puts another stage in the place of one; `make` gets that one.
  void Replace(
      const std::string& name,
      const std::function<std::unique_ptr<jobs::Stage>(std::unique_ptr<jobs::Stage>)>& make) {
    stages_[name] = make(std::move(stages_[name]));
  }

  index::Index& index() { return *index_; }
  const access::Scope& scope() const { return scope_; }

 private:
  bool IsReady() { return Ask("SELECT MAX(status) FROM videos WHERE tenant_id = $1") == "ready"; }

  Result<media::Accepted> Accept() {
    const media::Intake intake({database_, objects_, queue_, environment_}, {});
    media::IntakeRequest request;
    request.path = world_.recording();
    return intake.AcceptFile(scope_, request, {});
  }

  void Work() {
    auto claimed = queue_.Claim(worker_);
    if (!claimed || !*claimed) return;
    const jobs::StageServices services{database_, environment_, queue_,
                                       media::VideoStatusWriter(environment_), metrics_};
    jobs::StageContext context(services, std::move(**claimed), {}, log_);
    (void)queue_.Heartbeat(context.lease(), {0.5, "working", {}});
    const Status done = stages_.at(context.job().stage.Label())->Run(context);
    if (done || jobs::OutcomeOf(done.error()) == jobs::Outcome::kLeaseLost) return;
    (void)context.Write([&](access::Tx& tx) -> Status {
      NRL_CHECK(queue_.FailAttempt(tx, context.lease(), done.error()));
      return jobs::SettleJob(tx, services, context.lease().job);
    });
  }

  World& world_;
  SystemRandom random_;
  Environment environment_;
  access::Scope scope_{access::DefaultTenant(), "test", "trace"};
  std::unique_ptr<platform::Database> truth_;
  platform::FaultyDatabase database_;
  platform::FaultyStore objects_;
  std::unique_ptr<Index> index_;
  jobs::Queue queue_;
  WorkerId worker_;
  EmbedderStandIn embedder_;
  platform::Metrics metrics_;
  platform::Logger log_ = platform::Logger::ToStderr("test", platform::LogLevel::kError);
  std::map<std::string, std::unique_ptr<jobs::Stage>> stages_;
  bool accepted_ = false;
};

class Faults : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  // Every so manyth call; databases on a server are slow to make.
  static size_t Step(size_t otherwise) {
    const char* step = std::getenv("NRL_FAULT_STEP");
    if (step != nullptr) return static_cast<size_t>(std::max(1, std::atoi(step)));
    return GetParam() == platform::SqlDialect::kPostgres ? 4 * otherwise : otherwise;
  }
  static size_t First(size_t step) {
    const auto day = SystemEnvironment().clock.Now().value / 86'400'000;
    return 1 + static_cast<size_t>(day) % step;
  }

  World& Fresh() {
    folder_.reset();
    // In memory where that can be: what the disk does is another test's matter.
    const std::string parent = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir();
    folder_.emplace(std::move(*platform::TemporaryFolder::Create(parent, "nrl-faults")));
    world_.emplace(GetParam(), folder_->path(), std::string());
    if (GetParam() == platform::SqlDialect::kPostgres) {
      world_->postgres_url = platform::MigratedPostgresUrl();
    }
    const auto database = world_->OpenDatabase();
    if (GetParam() == platform::SqlDialect::kSqlite) {
      EXPECT_TRUE(platform::MigrateUp(*database, platform::EmbeddedMigrations(), world_->clock));
    }
    platform::SetLeaseClock(*database, world_->clock);
    static constexpr platform::Statement kTenant{
        "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'default', 0)"};
    EXPECT_TRUE(access::Write(*database, {access::DefaultTenant(), "test", "trace"},
                              [&](access::Tx& tx) -> Status {
                                NRL_CHECK(tx.Execute(kTenant, tx.tenant()));
                                return {};
                              }));
    EXPECT_TRUE(platform::WriteFileAtomically(world_->recording(), std::string("sound")));
    return *world_;
  }

  // One recording, once, everywhere.
  void ExpectWholeAndOnce(World& world) {
    FaultPlan calm;
    Process process(world, calm);
    EXPECT_EQ(
        process.Ask("SELECT (SELECT COUNT(*) FROM videos WHERE tenant_id = $1 AND status = 'ready')"
                    " || ' videos, ' || (SELECT COUNT(*) FROM sources WHERE tenant_id = $1)"
                    " || ' sources, ' || (SELECT COUNT(*) FROM artifacts WHERE tenant_id = $1)"
                    " || ' artifacts, ' || (SELECT COUNT(*) FROM transcripts WHERE tenant_id = $1)"
                    " || ' transcripts, ' || (SELECT COUNT(*) FROM speakers WHERE tenant_id = $1)"
                    " || ' speakers, ' || (SELECT COUNT(*) FROM speaker_turns WHERE tenant_id = $1)"
                    " || ' turns, ' || (SELECT COUNT(DISTINCT speaker_id) FROM segments"
                    " WHERE tenant_id = $1) || ' of them in '"
                    " || (SELECT COUNT(*) FROM segments WHERE tenant_id = $1)"
                    " || ' segments, ' || (SELECT COUNT(*) FROM vectors WHERE tenant_id = $1)"
                    " || ' vectors, ' || (SELECT COUNT(*) FROM jobs WHERE tenant_id = $1 AND"
                    " status = 'succeeded') || ' jobs done of ' || (SELECT COUNT(*) FROM jobs WHERE"
                    " tenant_id = $1)"),
        "1 videos, 1 sources, 2 artifacts, 1 transcripts, 2 speakers, 2 turns, 2 of them in"
        " 2 segments, 1 vectors, 5 jobs done of 5");
    const auto reader = process.index().Read(process.scope().tenant);
    ASSERT_TRUE(reader) << reader.error().Describe();
    const auto recordings = (*reader)->Recordings({}, 10);
    ASSERT_EQ(recordings->size(), 1U);
    EXPECT_EQ(recordings->at(0).segments, 2U);
    EXPECT_EQ((*reader)->info().videos_without_vectors, 0U);
  }

  // The calls of a life without faults.
  size_t Calls() {
    FaultPlan calm;
    World& world = Fresh();
    EXPECT_TRUE(Process(world, calm).Live());
    ExpectWholeAndOnce(world);
    EXPECT_GT(calm.calls().size(), 60U);
    return calm.calls().size();
  }

  void MeetEach(Fault fault, size_t step, const std::function<void()>& act = {}) {
    const size_t calls = Calls();
    for (size_t at = First(step); at <= calls; at += step) {
      World& world = Fresh();
      FaultPlan plan(at, fault, act);
      const bool lived = Process(world, plan).Live();
      SCOPED_TRACE("call " + std::to_string(at) + ", " + plan.calls().at(at - 1));
      ASSERT_TRUE(plan.has_struck());
      ASSERT_TRUE(lived);
      ExpectWholeAndOnce(world);
      if (HasFailure()) return;
    }
  }

  std::optional<platform::TemporaryFolder> folder_;
  std::optional<World> world_;
};

INSTANTIATE_TEST_SUITE_P(Databases, Faults, platform::kEveryDialect, platform::DialectLabel);

TEST_P(Faults, ARefusedCallLosesNothing) { MeetEach(Fault::kRefused, Step(12)); }

TEST_P(Faults, ALostAnswerDoesNothingTwice) { MeetEach(Fault::kAnswerLost, Step(10)); }

TEST_P(Faults, AProcessKilledAtAnyCallLosesNothing) {
  const size_t calls = Calls();
  const size_t step = Step(12);
  for (size_t at = First(step); at <= calls; at += step) {
    World& world = Fresh();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FaultPlan plan(at, Fault::kAct, [] { kill(getpid(), SIGKILL); });
      _exit(Process(world, plan).Live() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    SCOPED_TRACE("call " + std::to_string(at));
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    // The child's clock is gone with it; its leases end by this one.
    world.clock.Advance(kTurnMs * kTurnsMax);
    platform::SetLeaseClock(*world.OpenDatabase(), world.clock);
    FaultPlan calm;
    ASSERT_TRUE(Process(world, calm).Live());
    ExpectWholeAndOnce(world);
    if (HasFailure()) return;
  }
}

// SQLite has no process of its own.
class ServerFaults : public Faults {};
INSTANTIATE_TEST_SUITE_P(Databases, ServerFaults, testing::Values(platform::SqlDialect::kPostgres),
                         platform::DialectLabel);

TEST_P(ServerFaults, ADatabaseKilledAtAnyCallLosesNothing) {
  MeetEach(Fault::kAct, Step(16), [] {
    auto& server = platform::ThrowawayPostgres::Get();
    server.Stop();
    server.Start();
  });
}

// The negative twin: a stage that commits before its end is caught.
TEST_P(Faults, AStageThatWritesBeforeItsEndIsCaught) {
  class Hasty final : public jobs::Stage {
   public:
    explicit Hasty(std::unique_ptr<jobs::Stage> stage) : stage_(std::move(stage)) {}
    Status Run(jobs::StageContext& context) override {
      NRL_CHECK(context.Write([&](access::Tx& tx) {
        return transcript::InsertTranscript(tx,
                                            {.id = TranscriptId::New(context.environment()),
                                             .video = context.job().video,
                                             .language = "en"},
                                            {});
      }));
      return stage_->Run(context);
    }

   private:
    std::unique_ptr<jobs::Stage> stage_;
  };
  World& world = Fresh();
  FaultPlan calm;
  Process process(world, calm);
  process.Replace("transcribe", [](std::unique_ptr<jobs::Stage> stage) {
    return std::make_unique<Hasty>(std::move(stage));
  });
  EXPECT_TRUE(process.Live());
  EXPECT_NE(process.Ask("SELECT CAST(COUNT(*) AS TEXT) FROM transcripts WHERE tenant_id = $1"),
            "1");
}

}  // namespace
}  // namespace narralytica::index
