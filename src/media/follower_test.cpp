#include "media/follower.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "access/test_store.hpp"
#include "jobs/job_lists.hpp"
#include "jobs/lease.hpp"
#include "media/video_list.hpp"
#include "source/test_server.hpp"

namespace narralytica::media {
namespace {

namespace fs = std::filesystem;
using source::Feed;
using testing::ElementsAre;
using testing::HasSubstr;

class FollowerTest : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  void SetUp() override {
    objects_ = std::move(*platform::OpenFolderStore(store_.folder() + "/objects"));
    queue_.emplace(store_.database(), store_.environment, jobs::QueueConfig{});
    intake_.emplace(IntakeServices{store_.database(), *objects_, *queue_, store_.environment},
                    IntakeConfig{.file_bytes_max = 1'000});
    source::FetchConfig fetch;
    fetch.allow_private = {"127.0.0.1"};
    dialer_.emplace(*source::Dialer::Create(fetch));
    fs::create_directories(watched_);
    config_.folder_roots = {store_.folder()};
    config_.settle_ms = 5'000;
  }
  Feed Follow(const std::string& kind, const std::string& locator) {
    return *access::Write(store_.database(), store_.scope, [&](access::Tx& tx) {
      return source::CreateFeed(tx, {.kind = kind, .locator = locator}, store_.environment);
    });
  }
  Feed Get(const FeedId& id) {
    return *access::Read(store_.database(), store_.scope,
                         [&](access::Tx& tx) { return source::GetFeed(tx, id); });
  }
  int Poll(const std::string& holder = "one") {
    const FollowerParts parts{store_.database(),
                              store_.environment,
                              platform::Logger::ToStderr("test", platform::LogLevel::kOff),
                              *dialer_,
                              *intake_,
                              config_,
                              holder};
    const auto polled = PollDueFeeds(parts, {});
    EXPECT_TRUE(polled) << polled.error().Describe();
    return polled.value_or(-1);
  }
  // After the time of the next poll.
  int PollLater(const FeedId& id) {
    store_.clock.Advance(Get(id).next_poll_at.value - store_.clock.Now().value);
    return Poll();
  }
  std::vector<std::string> Titles() {
    const auto videos = access::Read(store_.database(), store_.scope, [&](access::Tx& tx) {
      return ListVideos(tx, VideoFilter{{}, "", VideoOrder::kOldestFirst}, {});
    });
    std::vector<std::string> titles;
    for (const Video& video : videos->items) titles.push_back(video.title);
    return titles;
  }
  void WriteFile(const std::string& name, const std::string& content) {
    std::ofstream(watched_ + "/" + name) << content;
  }

  access::TestStore store_{GetParam()};
  std::string watched_ = store_.folder() + "/watched";
  source::FeedsConfig config_;
  std::unique_ptr<platform::ObjectStore> objects_;
  std::optional<jobs::Queue> queue_;
  std::optional<Intake> intake_;
  std::optional<source::Dialer> dialer_;
};

INSTANTIATE_TEST_SUITE_P(Databases, FollowerTest, platform::kEveryDialect, platform::DialectLabel);

std::string Rss(const std::string& items) {
  return "<rss version='2.0'><channel><title>Show</title>" + items + "</channel></rss>";
}
std::string Item(const std::string& name, const std::string& url) {
  return "<item><title>" + name + "</title><guid>" + name +
         "</guid>"
         "<pubDate>Tue, 24 Nov 2026 18:40:00 GMT</pubDate><enclosure url='" +
         url + "'/></item>";
}

TEST_P(FollowerTest, EachItemOfAFeedComesOnce) {
  std::string items = Item("b", "/b.mp3") + Item("a", "http://127.0.0.1/a.mp3");
  source::TestServer server([&](const std::string& request) {
    if (request.find("If-None-Match: \"" + std::to_string(items.size())) != std::string::npos) {
      return source::Reply("304 Not Modified", "", "");
    }
    return source::Reply("200 OK", "ETag: \"" + std::to_string(items.size()) + "\"\r\n",
                         Rss(items));
  });
  const Feed feed = Follow("feed", server.Url("/feed.xml"));
  EXPECT_EQ(Poll(), 1);
  EXPECT_EQ(Poll(), 0) << "not due";
  EXPECT_THAT(Titles(), ElementsAre("a", "b"));
  Feed got = Get(feed.id);
  EXPECT_EQ(got.title, "Show");
  EXPECT_EQ(got.item_count, 2);
  EXPECT_FALSE(got.error);
  EXPECT_FALSE(got.polling);
  EXPECT_EQ(got.next_poll_at.value, store_.clock.Now().value + 900'000);
  EXPECT_EQ(PollLater(feed.id), 1);
  EXPECT_THAT(server.requests().back(), HasSubstr("If-None-Match: "));
  items = Item("c", "c.mp3") + items;
  EXPECT_EQ(PollLater(feed.id), 1);
  EXPECT_THAT(Titles(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(Get(feed.id).item_count, 3);
  const auto jobs = access::Read(store_.database(), store_.scope,
                                 [&](access::Tx& tx) { return jobs::ListJobs(tx, {}, {}); });
  EXPECT_EQ(jobs->total, 3);
}

TEST_P(FollowerTest, AnUnsafeItemIsRefusedAndHoldsNothingUp) {
  source::TestServer server([&](const std::string&) {
    return source::Reply("200 OK", "",
                         Rss(Item("bad", "http://10.0.0.1/x") + Item("file", "file:///etc/passwd") +
                             Item("good", "/g.mp3")));
  });
  const Feed feed = Follow("feed", server.Url("/feed.xml"));
  EXPECT_EQ(Poll(), 1);
  EXPECT_THAT(Titles(), ElementsAre("good"));
  EXPECT_EQ(Get(feed.id).item_count, 1);
  EXPECT_FALSE(Get(feed.id).error);
}

TEST_P(FollowerTest, AFeedThatFailsIsAskedLessAndLess) {
  std::string status = "500 Oh";
  source::TestServer server(
      [&](const std::string&) { return source::Reply(status, "", Rss(Item("a", "/a"))); });
  const Feed feed = Follow("feed", server.Url("/feed.xml"));
  int64_t last_wait_ms = 900'000;
  Poll();
  for (int i = 0; i < 3; ++i) {
    const Feed got = Get(feed.id);
    EXPECT_EQ(got.error->reason, "url_unavailable");
    EXPECT_EQ(got.failures, i + 1);
    const int64_t wait_ms = got.next_poll_at.value - store_.clock.Now().value;
    EXPECT_GE(wait_ms, last_wait_ms);
    EXPECT_LE(wait_ms, (900'000LL << i) * 11 / 10);
    last_wait_ms = wait_ms;
    PollLater(feed.id);
  }
  status = "200 OK";
  PollLater(feed.id);
  EXPECT_FALSE(Get(feed.id).error);
  EXPECT_EQ(Get(feed.id).failures, 0);
  EXPECT_THAT(Titles(), ElementsAre("a"));
}

TEST_P(FollowerTest, AFeedIsPolledByOneAtATime) {
  source::TestServer server(
      [&](const std::string&) { return source::Reply("200 OK", "", Rss("")); });
  const Feed feed = Follow("feed", server.Url("/feed.xml"));
  const auto lease = jobs::TakeLease(store_.database(), store_.environment,
                                     {"feed:" + feed.id.str(), "another", 0}, 1'000);
  ASSERT_TRUE(lease && *lease);
  EXPECT_EQ(Poll(), 0);
  EXPECT_EQ(server.requests().size(), 0U);
  ASSERT_TRUE(jobs::DropLease(store_.database(), **lease));
  EXPECT_EQ(Poll(), 1);
  // Who had it before can no longer end a poll.
  ASSERT_TRUE(access::Write(store_.database(), store_.scope, [&](access::Tx& tx) {
    return source::EndPoll(tx, feed.id, {(*lease)->epoch, {}, {}, {}, "stale", "", ""});
  }));
  EXPECT_EQ(Get(feed.id).title, "Show");
}

TEST_P(FollowerTest, AFileIsTakenOnceItIsStill) {
  const Feed feed = Follow("folder", watched_);
  WriteFile("talk.wav", "par");
  WriteFile("notes.txt", "x");
  WriteFile(".hidden.wav", "x");
  fs::create_directory(watched_ + "/inner");
  WriteFile("inner/deep.mp3", "deep");
  // The clock of the test stands; files are dated by it.
  const auto date = [&](const std::string& name) {
    const auto now = std::chrono::milliseconds(store_.clock.Now().value);
    fs::last_write_time(
        watched_ + "/" + name,
        std::chrono::file_clock::from_sys(std::chrono::sys_time<std::chrono::milliseconds>(now)));
  };
  date("talk.wav");
  date("inner/deep.mp3");
  EXPECT_EQ(Poll(), 1);
  EXPECT_THAT(Titles(), ElementsAre());
  EXPECT_EQ(Get(feed.id).next_poll_at.value, store_.clock.Now().value + 6'000);
  WriteFile("talk.wav", "partial no more");
  PollLater(feed.id);
  EXPECT_THAT(Titles(), ElementsAre("deep"));
  date("talk.wav");
  PollLater(feed.id);
  PollLater(feed.id);
  EXPECT_THAT(Titles(), ElementsAre("deep", "talk"));
  PollLater(feed.id);
  EXPECT_EQ(Get(feed.id).item_count, 2);
  EXPECT_EQ(Get(feed.id).next_poll_at.value, store_.clock.Now().value + 900'000);
}

TEST_P(FollowerTest, WhatCannotBeTakenIsRefusedAndLinksLeadNowhere) {
  const Feed feed = Follow("folder", watched_);
  fs::create_directory(store_.folder() + "/elsewhere");
  std::ofstream(store_.folder() + "/elsewhere/secret.wav") << "secret";
  fs::create_symlink(store_.folder() + "/elsewhere", watched_ + "/linked");
  fs::create_symlink(store_.folder() + "/elsewhere/secret.wav", watched_ + "/link.wav");
  WriteFile("empty.wav", "");
  WriteFile("large.wav", std::string(2'000, 'x'));
  WriteFile("good.wav", "good");
  for (const auto& entry : fs::directory_iterator(watched_)) {
    if (entry.is_regular_file() && !entry.is_symlink()) {
      fs::last_write_time(entry.path(),
                          fs::file_time_type::clock::now() - std::chrono::hours(24 * 365 * 30));
    }
  }
  Poll();
  PollLater(feed.id);
  EXPECT_THAT(Titles(), ElementsAre("good"));
  EXPECT_FALSE(Get(feed.id).error);
  EXPECT_EQ(Get(feed.id).next_poll_at.value, store_.clock.Now().value + 900'000);
}

TEST_P(FollowerTest, AFolderOutsideTheRootsIsNotRead) {
  const Feed feed = Follow("folder", watched_);
  config_.folder_roots = {watched_ + "/inner"};
  Poll();
  EXPECT_EQ(Get(feed.id).error->reason, "folder_not_allowed");
}

}  // namespace
}  // namespace narralytica::media
