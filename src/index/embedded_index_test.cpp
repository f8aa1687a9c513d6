#include "index/embedded_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "index/text_analysis.hpp"
#include "platform/file.hpp"

namespace narralytica::index {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Uuid(int number) { return fmt::format("01900000-0000-7000-8000-{:012}", number); }
TenantId Tenant(int number) { return TenantId::FromTrusted(Uuid(1000 + number)); }
VideoId Video(int number) { return VideoId::FromTrusted(Uuid(number)); }

// A vector that points along axis `axis`.
void AddAxis(int axis, VideoVectors& vectors) {
  std::vector<float> vector(vectors.dimension, 0.0f);
  vector[static_cast<size_t>(axis)] = 1;
  AppendQuantized(vector, vectors);
}

constexpr uint32_t kDimension = 8;
const std::string kModelHash(64, 'a');

Recording Make(int video, const std::vector<std::string>& texts, int tenant = 1,
               const std::string& language = "en") {
  Recording recording;
  recording.tenant_id = Tenant(tenant);
  recording.video_id = Video(video);
  recording.transcript_id = TranscriptId::FromTrusted(Uuid(500 + video));
  recording.title = fmt::format("recording {}", video);
  recording.source = "upload";
  VideoVectors vectors{"test-model", kModelHash, kDimension, {}, {}};
  for (size_t i = 0; i < texts.size(); ++i) {
    IndexedSegment segment;
    segment.id = SegmentId::FromTrusted(Uuid(10'000 + video * 100 + static_cast<int>(i)));
    segment.segment_index = static_cast<int32_t>(i);
    segment.range = {static_cast<int64_t>(i) * 1000, static_cast<int64_t>(i + 1) * 1000};
    segment.text = texts[i];
    segment.language = language;
    recording.segments.push_back(std::move(segment));
    AddAxis((video + static_cast<int>(i)) % static_cast<int>(kDimension), vectors);
  }
  recording.vectors = std::move(vectors);
  return recording;
}

TextQuery Word(const std::string& word, const std::string& language = "en") {
  TextQuery query{TextQuery::Op::kWord, {}, 1, {}};
  query.terms.push_back({Field::kStem, StemOf(word, language)});
  return query;
}

QueryVector Axis(int axis) {
  QueryVector query{kModelHash, std::vector<float>(kDimension, 0.0f)};
  query.values[static_cast<size_t>(axis)] = 1;
  return query;
}

class EmbeddedIndexTest : public testing::Test {
 protected:
  EmbeddedIndexTest()
      : folder_(*platform::TemporaryFolder::Create(testing::TempDir(), "index-test")) {
    index_ = Open();
  }

  std::unique_ptr<Index> Open(std::function<void(std::string_view)> after_step = {}) const {
    auto index = OpenEmbeddedIndex({folder_.path(), 2, std::move(after_step)});
    NRL_ASSERT(index.has_value());
    return std::move(*index);
  }

  std::unique_ptr<Writer> Write(const std::string& generation = "") {
    auto writer = index_->Write(generation, Deadline::In(std::chrono::seconds{5}));
    NRL_ASSERT(writer.has_value());
    return std::move(*writer);
  }

  std::unique_ptr<Reader> Read(int tenant = 1) {
    auto reader = index_->Read(Tenant(tenant));
    EXPECT_TRUE(reader) << reader.error().Describe() << reader.error().cause;
    return std::move(*reader);
  }

  void Put(const Recording& recording, Change change) {
    const auto writer = Write();
    const auto applied = writer->Replace(recording, change);
    ASSERT_TRUE(applied) << applied.error().Describe();
    const Status committed = writer->Commit();
    ASSERT_TRUE(committed) << committed.error().Describe() << committed.error().cause;
  }

  // Texts that match, best first.
  std::vector<std::string> Find(const TextQuery& query, const Filter& filter = {}, int tenant = 1) {
    const auto reader = Read(tenant);
    const auto hits = reader->MatchText(query, filter, {}, 100);
    EXPECT_TRUE(hits) << hits.error().Describe() << hits.error().cause;
    return Texts(*reader, hits->hits);
  }

  std::vector<std::string> FindNear(int axis, const Filter& filter = {}, int tenant = 1) {
    const auto reader = Read(tenant);
    const auto hits = reader->Nearest(Axis(axis), filter, 1, Deadline::In(std::chrono::seconds{5}));
    EXPECT_TRUE(hits) << hits.error().Describe();
    return Texts(*reader, hits->hits);
  }

  static std::vector<std::string> Texts(Reader& reader, const std::vector<Hit>& hits) {
    std::vector<SegmentRef> refs;
    for (const Hit& hit : hits) refs.push_back(hit.ref);
    const auto found = reader.Fetch(refs);
    EXPECT_TRUE(found) << found.error().Describe() << found.error().cause;
    std::vector<std::string> texts;
    for (const FoundSegment& segment : *found) texts.push_back(segment.segment.text);
    return texts;
  }

  platform::TemporaryFolder folder_;
  std::unique_ptr<Index> index_;
};

TEST_F(EmbeddedIndexTest, AnEmptyIndexAnswers) {
  EXPECT_THAT(Find(Word("budget")), IsEmpty());
  EXPECT_EQ(Read()->info().as_of_seq, 0);
  EXPECT_TRUE(index_->Verify(Deadline::Never()));
}

TEST_F(EmbeddedIndexTest, FindsByWordAndByVector) {
  Put(Make(1, {"the budget meeting", "lunch is served"}), {1, 1});
  EXPECT_THAT(Find(Word("budgets")), ElementsAre("the budget meeting"));
  EXPECT_THAT(FindNear(2), ElementsAre("lunch is served"));
  const auto reader = Read();
  EXPECT_EQ(reader->info().as_of_seq, 1);
  EXPECT_EQ(reader->info().segments, 2u);
  EXPECT_EQ(reader->info().model, "test-model");
  EXPECT_EQ(reader->CountSegments(0), 2u);
  EXPECT_THAT(reader->info().languages, ElementsAre(std::pair<std::string, uint64_t>{"en", 2}));
}

TEST_F(EmbeddedIndexTest, FetchGivesBackWhatWentIn) {
  Recording recording = Make(1, {"one", "two"});
  recording.published_at = UtcMs{1'700'000'000'000};
  recording.segments[1].speaker_id = "s1";
  recording.segments[1].speaker_name = "Ada";
  Put(recording, {1, 1});
  const SegmentRef ref{0, 1};
  const auto found = Read()->Fetch(std::span(&ref, 1));
  ASSERT_TRUE(found);
  const FoundSegment& segment = found->front();
  EXPECT_EQ(segment.video_id, recording.video_id);
  EXPECT_EQ(segment.transcript_id, recording.transcript_id);
  EXPECT_EQ(segment.title, recording.title);
  EXPECT_EQ(segment.source, "upload");
  EXPECT_EQ(segment.published_at, recording.published_at);
  EXPECT_EQ(segment.segment.id, recording.segments[1].id);
  EXPECT_EQ(segment.segment.range, recording.segments[1].range);
  EXPECT_EQ(segment.segment.speaker_name, "Ada");
}

TEST_F(EmbeddedIndexTest, RecordingsAreListedPageByPage) {
  Put(Make(1, {"a", "b"}), {1, 1});
  Put(Make(3, {"c"}), {2, 1});
  Put(Make(2, {"somebody else's"}, 2), {3, 1});
  const auto reader = Read();
  const auto first = *reader->Recordings({}, 1);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].video_id, Video(1));
  EXPECT_EQ(first[0].segments, 2U);
  EXPECT_EQ(first[0].transcript_id, Make(1, {}).transcript_id);
  const auto rest = *reader->Recordings(first[0].video_id, 10);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].video_id, Video(3));
  EXPECT_THAT(*Read(9)->Recordings({}, 10), IsEmpty());
}

TEST_F(EmbeddedIndexTest, ReplaceLeavesNothingOfTheOld) {
  Put(Make(1, {"apples", "pears", "plums"}), {1, 1});
  Put(Make(1, {"cherries"}), {2, 1});
  EXPECT_THAT(Find(Word("apples")), IsEmpty());
  EXPECT_THAT(Find(Word("cherries")), ElementsAre("cherries"));
  EXPECT_EQ(Read()->info().segments, 1u);
  EXPECT_THAT(FindNear(2), ElementsAre("cherries"));  // "pears" lay there
  EXPECT_TRUE(index_->Verify(Deadline::Never()));
}

TEST_F(EmbeddedIndexTest, OlderChangesNeverWin) {
  Put(Make(1, {"new"}), {5, 1});
  auto writer = Write();
  EXPECT_EQ(writer->Replace(Make(1, {"old"}), {4, 9}), Applied::kAlreadyNewer);
  EXPECT_EQ(writer->Delete(Tenant(1), Video(1), {4, 9}), Applied::kAlreadyNewer);
  EXPECT_EQ(writer->Delete(Tenant(1), Video(1), {6, 1}), Applied::kApplied);
  ASSERT_TRUE(writer->Commit());
  EXPECT_EQ(writer->Replace(Make(1, {"old"}), {5, 1}), Applied::kAlreadyNewer);
  writer.reset();
  EXPECT_THAT(Find(Word("new")), IsEmpty());
  EXPECT_THAT(Find(Word("old")), IsEmpty());
  EXPECT_EQ(Read()->info().as_of_seq, 6);
}

TEST_F(EmbeddedIndexTest, AStaleLeaseIsRefused) {
  Put(Make(1, {"by the second worker"}), {5, 2});
  const auto writer = Write();
  const auto revenant = writer->Replace(Make(1, {"by the first worker"}), {5, 1});
  ASSERT_FALSE(revenant);
  EXPECT_EQ(revenant.error().code, ErrorCode::kConflict);
  EXPECT_EQ(writer->Replace(Make(1, {"again by the second"}), {5, 2}), Applied::kApplied);
  EXPECT_EQ(writer->Replace(Make(1, {"a later change"}), {6, 1}), Applied::kApplied);
}

TEST_F(EmbeddedIndexTest, UncommittedWritesAreUndone) {
  Put(Make(1, {"kept"}), {1, 1});
  {
    const auto writer = Write();
    ASSERT_TRUE(writer->Replace(Make(1, {"dropped"}), {2, 1}));
    ASSERT_TRUE(writer->Replace(Make(2, {"dropped too"}), {3, 1}));
  }
  EXPECT_THAT(Find(Word("dropped")), IsEmpty());
  EXPECT_THAT(Find(Word("kept")), ElementsAre("kept"));
  EXPECT_EQ(Read()->info().as_of_seq, 1);
}

TEST_F(EmbeddedIndexTest, OneWriterAtATime) {
  const auto writer = Write();
  const auto second = index_->Write("", Deadline::In(std::chrono::milliseconds{1}));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

TEST_F(EmbeddedIndexTest, AReaderKeepsItsState) {
  Put(Make(1, {"first"}), {1, 1});
  const auto reader = Read();
  Put(Make(1, {"second"}), {2, 1});
  const auto hits = reader->MatchText(Word("first"), {}, {}, 10);
  ASSERT_TRUE(hits);
  EXPECT_THAT(Texts(*reader, hits->hits), ElementsAre("first"));
  EXPECT_EQ(reader->info().as_of_seq, 1);
  EXPECT_THAT(Find(Word("first")), IsEmpty());
}

TEST_F(EmbeddedIndexTest, AnOvertakenReaderSaysSo) {
  Put(Make(1, {"word word word"}), {1, 1});
  const auto reader = Read();
  for (int i = 2; i < 12; ++i) Put(Make(1, {"word and word"}), {i, 1});
  const auto hits = reader->MatchText(Word("word"), {}, {}, 10);
  if (hits) return;  // its blocks happened to be left alone
  EXPECT_EQ(hits.error().code, ErrorCode::kConflict);
  EXPECT_EQ(hits.error().reason, kReaderExpired);
}

TEST_F(EmbeddedIndexTest, TenantsSeeOnlyTheirOwnAndScoreTheSame) {
  Put(Make(1, {"shared secret plan", "plan b"}), {1, 1});
  const auto before = Read()->MatchText(Word("plan"), {}, {}, 10);
  Put(Make(2, {"plan plan plan", "a much longer plan of another tenant altogether"}, 2), {2, 1});
  const auto after = Read()->MatchText(Word("plan"), {}, {}, 10);
  ASSERT_TRUE(before && after);
  ASSERT_EQ(before->hits.size(), 2u);
  ASSERT_EQ(after->hits.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(before->hits[i].score, after->hits[i].score);

  EXPECT_THAT(Find(Word("secret"), {}, 2), IsEmpty());
  EXPECT_THAT(FindNear(1, {}, 2), ElementsAre("plan plan plan"));
  Filter foreign;
  foreign.video_id = Video(1);
  EXPECT_THAT(Find(Word("plan"), foreign, 2), IsEmpty());
  EXPECT_THAT(FindNear(1, foreign, 2), IsEmpty());
  const auto words = Read(2)->Words("", 100);
  ASSERT_TRUE(words);
  for (const auto& [word, frequency] : *words) EXPECT_NE(word, "secret");
  EXPECT_THAT(Find(Word("plan"), {}, 3), IsEmpty());
}

TEST_F(EmbeddedIndexTest, FiltersHoldInBothLegs) {
  Recording german = Make(1, {"plan eins", "plan zwei"}, 1, "de");
  german.segments[1].language = "en-GB";
  german.published_at = UtcMs{1000};
  Recording english = Make(2, {"plan three"});
  english.source = "youtube";
  english.published_at = UtcMs{2000};
  const Recording undated = Make(3, {"plan four"});
  const auto writer = Write();
  for (const Recording& recording : {german, english, undated}) {
    ASSERT_TRUE(writer->Replace(recording, {1, 1}));
  }
  ASSERT_TRUE(writer->Commit());

  Filter language;
  language.language = "de";
  EXPECT_THAT(Find(Word("plan"), language), ElementsAre("plan eins"));
  EXPECT_THAT(FindNear(2, language), ElementsAre("plan eins"));
  language.language = "en";
  EXPECT_THAT(Find(Word("plan"), language),
              testing::UnorderedElementsAre("plan zwei", "plan three", "plan four"));
  language.language = "xx";
  EXPECT_THAT(Find(Word("plan"), language), IsEmpty());

  Filter source;
  source.source = "youtube";
  EXPECT_THAT(Find(Word("plan"), source), ElementsAre("plan three"));
  EXPECT_THAT(FindNear(1, source), ElementsAre("plan three"));

  Filter dates;
  dates.published_from = UtcMs{1000};
  dates.published_until = UtcMs{2000};
  EXPECT_THAT(Find(Word("plan"), dates), testing::UnorderedElementsAre("plan eins", "plan zwei"));
  dates.published_from = UtcMs{1001};
  EXPECT_THAT(Find(Word("plan"), dates), IsEmpty());

  Filter video;
  video.video_id = Video(3);
  EXPECT_THAT(Find(Word("plan"), video), ElementsAre("plan four"));
}

TEST_F(EmbeddedIndexTest, ASpeakersSegmentsAreFoundInBothLegs) {
  const SpeakerId ada = SpeakerId::FromTrusted("ada-id");
  Recording recording = Make(1, {"plan eins", "plan zwei", "plan drei", "plan vier"});
  for (const size_t i : {0U, 1U, 3U}) {
    recording.segments[i].speaker_id = ada.str();
    recording.segments[i].speaker_name = "Ada Lovelace";
    recording.segments[i].overlap_ms = 250;
  }
  Put(recording, {1, 1});
  Put(Make(2, {"plan five"}), {2, 1});

  Filter filter;
  filter.speaker_id = ada;
  const auto hers = testing::UnorderedElementsAre("plan eins", "plan zwei", "plan vier");
  EXPECT_THAT(Find(Word("plan"), filter), hers);
  const auto reader = Read();
  const auto near = reader->Nearest(Axis(1), filter, 100, Deadline::Never());
  EXPECT_EQ(near.value().scanned, 3U);
  EXPECT_THAT(Texts(*reader, near->hits), hers);
  EXPECT_EQ(reader->Fetch(std::vector<SegmentRef>{{0, 0}})->at(0).segment.overlap_ms, 250);

  filter.video_id = Video(2);
  EXPECT_THAT(Find(Word("plan"), filter), IsEmpty());
}

TEST_F(EmbeddedIndexTest, ScoresOfNamedSegmentsEqualTheSearchs) {
  const auto writer = Write();
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(writer->Replace(Make(i, {"plan plan", "nothing", "a plan here"}), {i, 1}));
  }
  ASSERT_TRUE(writer->Commit());
  const auto reader = Read();
  const auto hits = reader->MatchText(Word("plan"), {}, {}, 100);
  ASSERT_TRUE(hits);
  std::vector<SegmentRef> refs;
  for (uint32_t video = 0; video < 5; ++video) {
    for (uint32_t place = 0; place < 3; ++place) refs.push_back({video, place});
  }
  const auto scores = reader->ScoreText(Word("plan"), {}, refs);
  const auto vectors = reader->ScoreVectors(Axis(3), refs);
  const auto nearest = reader->Nearest(Axis(3), {}, 100, Deadline::Never());
  ASSERT_TRUE(scores && vectors && nearest);
  EXPECT_EQ(nearest->scanned, 15u);
  for (size_t i = 0; i < refs.size(); ++i) {
    float expected = 0;
    for (const Hit& hit : hits->hits) {
      if (hit.ref == refs[i]) expected = hit.score;
    }
    EXPECT_EQ((*scores)[i], expected);
    for (const Hit& hit : nearest->hits) {
      if (hit.ref == refs[i]) {
        EXPECT_EQ((*vectors)[i], hit.score);
      }
    }
  }
}

TEST_F(EmbeddedIndexTest, VectorsOfTwoModelsNeverMeet) {
  Put(Make(1, {"one"}), {1, 1});
  Recording other = Make(2, {"two"});
  other.vectors->model_hash = std::string(64, 'b');
  const auto refused = Write()->Replace(other, {2, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  QueryVector query = Axis(0);
  query.model_hash = std::string(64, 'b');
  const auto nearest = Read()->Nearest(query, {}, 10, Deadline::Never());
  ASSERT_FALSE(nearest);
  EXPECT_EQ(nearest.error().code, ErrorCode::kConflict);
}

TEST_F(EmbeddedIndexTest, ARecordingWithoutVectorsIsFoundByWordsOnly) {
  Recording bare = Make(1, {"bare words"});
  bare.vectors.reset();
  Put(bare, {1, 1});
  EXPECT_THAT(Find(Word("bare")), ElementsAre("bare words"));
  EXPECT_TRUE(Read()->info().model_hash.empty());
  Put(Make(2, {"full words"}), {2, 1});
  EXPECT_EQ(Read()->info().videos_without_vectors, 1u);
  EXPECT_THAT(FindNear(1), ElementsAre("full words"));
  const SegmentRef ref{0, 0};
  EXPECT_EQ(Read()->ScoreVectors(Axis(1), std::span(&ref, 1))->front(), std::nullopt);
}

TEST_F(EmbeddedIndexTest, RefusesBrokenRecordings) {
  const auto writer = Write();
  Recording unordered = Make(1, {"a", "b"});
  std::swap(unordered.segments[0], unordered.segments[1]);
  Recording backwards = Make(1, {"a"});
  backwards.segments[0].range = {10, 5};
  Recording short_of_vectors = Make(1, {"a", "b"});
  short_of_vectors.segments.pop_back();
  Recording huge = Make(1, {std::string(kSegmentTextBytesMax + 1, 'x')});
  for (const Recording* broken : {&unordered, &backwards, &short_of_vectors, &huge}) {
    const auto applied = writer->Replace(*broken, {1, 1});
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, ErrorCode::kInvalid);
  }
  EXPECT_TRUE(writer->Replace(Make(1, {"fine"}), {1, 1}));
}

TEST_F(EmbeddedIndexTest, ManyCommitsKeepFewFilesAndAllVectors) {
  constexpr int kVideos = 80;
  for (int i = 1; i <= kVideos; ++i) Put(Make(i, {fmt::format("word{}", i)}), {i, 1});
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path() + "/main")) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_LE(files, 70u);
  EXPECT_TRUE(index_->Verify(Deadline::Never()));
  const auto nearest = Read()->Nearest(Axis(0), {}, 1000, Deadline::Never());
  ASSERT_TRUE(nearest);
  EXPECT_EQ(nearest->scanned, static_cast<uint64_t>(kVideos));
}

TEST_F(EmbeddedIndexTest, GenerationsSwitchThereAndBack) {
  Put(Make(1, {"old answer"}), {1, 1});
  auto writer = Write("shadow");
  ASSERT_TRUE(writer->Replace(Make(1, {"new answer"}), {1, 1}));
  ASSERT_TRUE(writer->Commit());
  writer.reset();
  EXPECT_THAT(Find(Word("answer")), ElementsAre("old answer"));
  ASSERT_TRUE(index_->Switch("shadow", Deadline::Never()));
  EXPECT_THAT(Find(Word("answer")), ElementsAre("new answer"));
  EXPECT_EQ(Read()->info().generation, "shadow");
  EXPECT_THAT(*index_->Generations(), ElementsAre("shadow", "main"));
  ASSERT_TRUE(index_->Switch("main", Deadline::Never()));
  EXPECT_THAT(Find(Word("answer")), ElementsAre("old answer"));
  EXPECT_EQ(index_->Switch("nowhere", Deadline::Never()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(index_->Switch("../x", Deadline::Never()).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(index_->Remove("main", Deadline::Never()).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(index_->Remove("shadow", Deadline::Never()));
  EXPECT_THAT(*index_->Generations(), ElementsAre("main"));
}

// Runs `writes` in a process of its own that dies, as by kill -9, after `step` of its commit.
void DieAfter(std::string_view step, const std::string& folder,
              const std::function<void(Writer&)>& writes) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto index = OpenEmbeddedIndex({folder, 1, [step](std::string_view done) {
                                      if (done == step) _exit(9);
                                    }});
    auto writer = (*index)->Write("", Deadline::In(std::chrono::seconds{5}));
    writes(**writer);
    (void)(*writer)->Commit();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 9) << "the commit never reached step " << step;
}

TEST_F(EmbeddedIndexTest, ACrashBetweenThePartsIsRepaired) {
  for (const std::string_view step : {"vectors", "manifest"}) {
    SCOPED_TRACE(step);
    Put(Make(1, {"state one"}), {1, 1});
    const int64_t before = Read()->info().as_of_seq;
    DieAfter(step, folder_.path(), [&](Writer& writer) {
      (void)writer.Replace(Make(1, {"state two"}), {before + 1, 1});
      (void)writer.Replace(Make(2, {"state three"}), {before + 2, 1});
    });
    // The old state stands, in both parts, also for a process that opens the index now.
    index_ = Open();
    EXPECT_EQ(Read()->info().as_of_seq, before);
    EXPECT_THAT(Find(Word("two")), IsEmpty());
    EXPECT_EQ(Read()->Nearest(Axis(0), {}, 10, Deadline::Never())->scanned,
              Read()->info().segments);
    EXPECT_TRUE(index_->Verify(Deadline::Never()));
    // The changes behind as_of_seq come again.
    Put(Make(1, {"state two"}), {before + 1, 2});
    Put(Make(2, {"state three"}), {before + 2, 2});
    EXPECT_THAT(Find(Word("two")), ElementsAre("state two"));
    EXPECT_THAT(Find(Word("three")), ElementsAre("state three"));
    EXPECT_EQ(Read()->info().as_of_seq, before + 2);
    EXPECT_TRUE(index_->Verify(Deadline::Never()));
    Put(Make(1, {"state one"}), {before + 3, 1});
  }
}

TEST_F(EmbeddedIndexTest, ACrashAfterTheLastStepLosesNothing) {
  Put(Make(1, {"state one"}), {1, 1});
  DieAfter("words", folder_.path(),
           [](Writer& writer) { (void)writer.Replace(Make(1, {"state two"}), {2, 1}); });
  index_ = Open();
  EXPECT_THAT(Find(Word("two")), ElementsAre("state two"));
  EXPECT_EQ(Read()->info().as_of_seq, 2);
  Put(Make(2, {"state three"}), {3, 1});
  EXPECT_TRUE(index_->Verify(Deadline::Never()));
}

TEST_F(EmbeddedIndexTest, DamageIsNamed) {
  Put(Make(1, {"one", "two"}), {1, 1});
  const auto flip = [&](const std::string& start, std::streamoff at) {
    for (const auto& entry : fs::directory_iterator(folder_.path() + "/main")) {
      if (!entry.path().filename().string().starts_with(start)) continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(at);
      const char byte = static_cast<char>(file.get() ^ 0x40);
      file.seekp(at);
      file.put(byte);
    }
  };
  const auto damage = [&](const std::string& start, std::streamoff at) {
    flip(start, at);
    index_ = Open();
    const auto reader = index_->Read(Tenant(1));
    EXPECT_FALSE(reader) << start;
    if (reader) return std::string();
    EXPECT_EQ(reader.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(reader.error().hint, HasSubstr("narralytica index rebuild"));
    return reader.error().message;
  };
  EXPECT_EQ(damage("block-", 200), "the vector part of the index is damaged");
  flip("block-", 200);  // mended again
  EXPECT_EQ(damage("manifest-", 30), "the list of recordings of the index is damaged");
}

TEST_F(EmbeddedIndexTest, DamagedWordsAreNamed) {
  Put(Make(1, {"one", "two"}), {1, 1});
  fs::resize_file(folder_.path() + "/main/words/iamglass", 10);
  index_ = Open();
  const auto reader = index_->Read(Tenant(1));
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(reader.error().message, "the words part of the index is damaged");
}

TEST_F(EmbeddedIndexTest, AnotherAnalysisIsRefused) {
  Put(Make(1, {"one"}), {1, 1});
  ASSERT_TRUE(platform::WriteFileAtomically(folder_.path() + "/main/generation.json",
                                            R"({"format": 1, "analysis_hash": "other"})"));
  index_ = Open();
  const auto reader = index_->Read(Tenant(1));
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kConflict);
  EXPECT_THAT(reader.error().hint, HasSubstr("rebuild"));
}

TEST_F(EmbeddedIndexTest, ReadersAndAWriterSideBySide) {
  Put(Make(1, {"alpha 0", "beta 0"}), {1, 1});
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  std::atomic<int> reads = 0;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      while (!done) {
        const auto reader = index_->Read(Tenant(1));
        ASSERT_TRUE(reader) << reader.error().Describe() << reader.error().cause;
        const auto alpha = (*reader)->MatchText(Word("alpha"), {}, {}, 10);
        const auto near = (*reader)->Nearest(Axis(1), {}, 10, Deadline::Never());
        ASSERT_TRUE(near);
        ++reads;
        if (!alpha) {
          ASSERT_EQ(alpha.error().reason, kReaderExpired);
          continue;
        }
        // Both parts are of one commit: one segment with alpha, two vectors.
        ASSERT_EQ(alpha->hits.size(), 1u);
        ASSERT_EQ(near->scanned, 2u);
      }
    });
  }
  for (int i = 1; i <= 30 || reads < 20; ++i) {
    Put(Make(1, {fmt::format("alpha {}", i), fmt::format("beta {}", i)}), {i + 1, 1});
  }
  done = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace narralytica::index
