// What is listed of recordings, transcripts, segments and jobs, on both databases.
#include "transcript/transcript_lists.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/test_store.hpp"
#include "jobs/changes.hpp"
#include "jobs/job_lists.hpp"
#include "jobs/queue.hpp"
#include "media/video_list.hpp"
#include "source/source_store.hpp"

namespace narralytica::transcript {
namespace {

using testing::ElementsAre;

class ListsTest : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  template <typename Body>
  auto Do(Body&& body) {
    return access::Write(store_.database(), store_.scope, std::forward<Body>(body));
  }
  // A recording with a job, a transcript and three segments.
  VideoId Add(const std::string& title, const std::string& status) {
    store_.clock.Advance(10);
    const VideoId id = VideoId::New(store_.environment);
    const Status added = Do([&](access::Tx& tx) { return AddIn(tx, id, title, status); });
    EXPECT_TRUE(added) << added.error().message << added.error().cause;
    return id;
  }
  Status AddIn(access::Tx& tx, const VideoId& id, const std::string& title,
               const std::string& status) {
    const UtcMs now = store_.clock.Now();
    NRL_CHECK(media::InsertVideo(tx, {.id = id,
                                      .status = status,
                                      .title = title,
                                      .language = "",
                                      .duration_ms = {},
                                      .published_at = {},
                                      .created_at = now}));
    NRL_CHECK(source::InsertSource(
        tx, {SourceId::New(store_.environment), id, "youtube", "x", title, id.str(), 1}, now));
    NRL_CHECK(jobs::AppendChange(tx, {"video", id.str()}, "put", now));
    NRL_CHECK(queue_.Enqueue(tx, {.stage = {"ingest", ""},
                                  .video = id,
                                  .payload = "{}",
                                  .priority = 0,
                                  .attempts_max = 1,
                                  .unique_key = ""}));
    return AddTranscript(tx, id);
  }
  Status AddTranscript(access::Tx& tx, const VideoId& video) {
    std::vector<StoredSegment> segments;
    for (int i = 0; i < 3; ++i) {
      segments.push_back(
          {SegmentId::New(store_.environment), i, {i * 10, i * 10 + 5}, "t", "en", 1});
    }
    Transcript transcript;
    transcript.id = TranscriptId::New(store_.environment);
    transcript.video = video;
    transcript.created_at = store_.clock.Now();
    return InsertTranscript(tx, transcript, segments);
  }
  std::vector<std::string> Titles(const media::VideoFilter& filter, int limit) {
    std::vector<std::string> titles;
    access::PageRequest page{.limit = limit, .offset = 0, .after = {}};
    do {
      const auto found = Do([&](access::Tx& tx) { return media::ListVideos(tx, filter, page); });
      EXPECT_TRUE(found) << found.error().cause;
      if (!found) break;
      for (const media::Video& video : found->items) titles.push_back(video.title);
      page.after = found->after;
    } while (!page.after.empty());
    return titles;
  }

  access::TestStore store_{GetParam()};
  jobs::Queue queue_{store_.database(), store_.environment, {}};
};

INSTANTIATE_TEST_SUITE_P(Databases, ListsTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(ListsTest, VideosInEveryOrderAndUnderEveryFilter) {
  Add("Zebra", "ready");
  Add("ärger 100%", "failed");
  const VideoId gone = Add("gone", "ready");
  Add("Ärmel_a", "ready");
  ASSERT_TRUE(Do([&](access::Tx& tx) { return media::DeleteVideo(tx, gone, UtcMs{5}); }));
  using enum media::VideoOrder;
  for (const int limit : {1, 2, 100}) {
    EXPECT_THAT(Titles({.order = kNewestFirst}, limit),
                ElementsAre("Ärmel_a", "ärger 100%", "Zebra"));
    EXPECT_THAT(Titles({.order = kOldestFirst}, limit),
                ElementsAre("Zebra", "ärger 100%", "Ärmel_a"));
    EXPECT_THAT(Titles({.order = kByTitle}, limit), ElementsAre("Zebra", "ärger 100%", "Ärmel_a"));
    EXPECT_THAT(Titles({.order = kByTitleDescending}, limit),
                ElementsAre("Ärmel_a", "ärger 100%", "Zebra"));
  }
  EXPECT_THAT(Titles({.statuses = {"failed", "queued"}}, 9), ElementsAre("ärger 100%"));
  EXPECT_THAT(Titles({.title_part = "ÄR"}, 9), ElementsAre("Ärmel_a", "ärger 100%"));
  EXPECT_THAT(Titles({.title_part = "%"}, 9), ElementsAre("ärger 100%"));
  EXPECT_THAT(Titles({.title_part = "l_A"}, 9), ElementsAre("Ärmel_a"));
  EXPECT_THAT(Titles({.title_part = "\\"}, 9), ElementsAre());
  const auto wrong = Do([&](access::Tx& tx) {
    return media::ListVideos(tx, {.order = kByTitle}, {.limit = 1, .offset = 0, .after = "x"});
  });
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalid);
}

TEST_P(ListsTest, ADeletedRecordingIsNotListedAndItsContentMayComeAgain) {
  const VideoId gone = Add("gone", "ready");
  ASSERT_TRUE(Do([&](access::Tx& tx) { return media::DeleteVideo(tx, gone, store_.clock.Now()); }));
  EXPECT_FALSE(Do([&](access::Tx& tx) { return media::DeleteVideo(tx, gone, UtcMs{5}); }));
  const auto check = Do([&](access::Tx& tx) -> Status {
    EXPECT_FALSE((*source::FindByContent(tx, gone.str())).has_value());
    EXPECT_FALSE((*source::FindByExternalId(tx, "gone")).has_value());
    EXPECT_EQ(ListTranscripts(tx, std::nullopt, access::PageRequest{})->total, 0);
    EXPECT_EQ(ListSegments(tx, {}, {})->total, 0);
    NRL_TRY(const auto told, media::VideosUpdatedSince(tx, UtcMs{0}, 9));
    EXPECT_EQ(told.at(0).status, "deleted");
    return {};
  });
  EXPECT_TRUE(check) << check.error().cause;
}

TEST_P(ListsTest, SegmentsOfCurrentTranscriptsAndOfOneThatIsNot) {
  const VideoId first = Add("a", "ready");
  Add("b", "ready");
  const auto check = Do([&](access::Tx& tx) -> Status {
    NRL_TRY(const Transcript old, CurrentTranscript(tx, first));
    store_.clock.Advance(10);
    NRL_CHECK(AddTranscript(tx, first));
    NRL_TRY(const auto listed, ListTranscripts(tx, first, access::PageRequest{}));
    EXPECT_EQ(listed.total, 2);
    EXPECT_EQ(listed.items.at(1).id, old.id);
    EXPECT_EQ(listed.items.at(1).superseded_by, listed.items.at(0).id);
    EXPECT_EQ(ListSegments(tx, {}, {})->total, 6);
    EXPECT_EQ(ListSegments(tx, {first, {}}, {})->total, 3);
    NRL_TRY(const auto superseded, ListSegments(tx, {{}, old.id}, {}));
    EXPECT_EQ(superseded.total, 3);
    NRL_TRY(const CitedSegment cited, GetSegment(tx, superseded.items.at(1).segment.id));
    EXPECT_EQ(cited.transcript, old.id);
    EXPECT_EQ(cited.source, "youtube");
    EXPECT_EQ(GetTranscript(tx, old.id)->version, 1);
    std::vector<int> seen;
    access::PageRequest page{.limit = 2, .offset = 0, .after = {}};
    do {
      NRL_TRY(const auto some, ListSegments(tx, {}, page));
      for (const CitedSegment& item : some.items) seen.push_back(item.segment.segment_index);
      page.after = some.after;
    } while (!page.after.empty());
    EXPECT_THAT(seen, ElementsAre(0, 1, 2, 0, 1, 2));
    return {};
  });
  EXPECT_TRUE(check) << check.error().message << check.error().cause;
}

TEST_P(ListsTest, JobsWithTheirRunsAndEvents) {
  const VideoId video = Add("a", "queued");
  Add("b", "queued");
  const WorkerId worker = WorkerId::New(store_.environment);
  const auto claimed = queue_.Claim(worker);
  ASSERT_TRUE(claimed && *claimed);
  const auto check = Do([&](access::Tx& tx) -> Status {
    const JobId job = (*claimed)->job.id;
    NRL_TRY(const auto all, jobs::ListJobs(tx, {}, {.limit = 1, .offset = 0, .after = {}}));
    EXPECT_EQ(all.total, 2);
    NRL_TRY(const auto rest, jobs::ListJobs(tx, {}, {.limit = 1, .offset = 0, .after = all.after}));
    EXPECT_EQ(rest.items.at(0).video, video);
    EXPECT_EQ(jobs::ListJobs(tx, {{"running", "failed"}, "ingest", video}, {})->total, 1);
    EXPECT_EQ(jobs::ListJobs(tx, {{}, "index", {}}, {})->total, 0);
    NRL_TRY(const auto runs, jobs::ListRuns(tx, job, {}));
    EXPECT_EQ(runs.items.at(0).worker, worker.str());
    NRL_TRY(const auto events, jobs::ListEvents(tx, job, {}));
    EXPECT_EQ(events.items.at(1).type, "job.started");
    EXPECT_FALSE(jobs::ListRuns(tx, JobId::New(store_.environment), {}));
    EXPECT_EQ(jobs::JobsUpdatedSince(tx, store_.clock.Now(), 9)->size(), 2U);
    EXPECT_TRUE(jobs::ReadChanges(tx, 0, 9)->empty()) << "not numbered yet";
    return {};
  });
  EXPECT_TRUE(check) << check.error().message << check.error().cause;
  ASSERT_TRUE(access::Write(store_.database(), access::SystemScope("test"),
                            [](access::Tx& tx) { return jobs::NumberChanges(tx, 9); }));
  EXPECT_EQ(Do([&](access::Tx& tx) { return jobs::ReadChanges(tx, 1, 9); })->size(), 1U);
}

}  // namespace
}  // namespace narralytica::transcript
