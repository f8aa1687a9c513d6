#include "source/download.hpp"

#include <gmock/gmock.h>

#include "source/test_server.hpp"

namespace narralytica::source {
namespace {

using testing::HasSubstr;
using testing::Not;

class DownloadTest : public testing::Test {
 protected:
  Result<Downloaded> Get(const TestServer& server, int resumes_max = 20,
                         const std::string& path = "/talk.mp3") {
    FetchConfig config;
    config.allow_private = {"127.0.0.1"};
    config.resumes_max = resumes_max;
    return Download(*Dialer::Create(config), {server.Url(path), path_, bytes_max_, {}},
                    Deadline::In(std::chrono::seconds{20}));
  }
  std::string Content() const { return platform::ReadFile(path_, 1 << 20).value_or("?"); }
  bool IsThere() const { return platform::ReadFile(path_, 1 << 20).has_value(); }

  platform::TemporaryFolder folder_ =
      std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "download"));
  std::string path_ = folder_.path() + "/part";
  std::string body_ = std::string(70'000, 'a') + std::string(30'000, 'b');
  int64_t bytes_max_ = 1'000'000;
};

// "Range: bytes=N-" of a request; 0 without one.
size_t RangeOf(const std::string& request) {
  const size_t at = request.find("Range: bytes=");
  return at == std::string::npos ? 0 : std::stoul(request.substr(at + 13));
}

// Serves ranges as RFC 9110 has it, and breaks off after `piece` bytes.
std::string ServeRange(const std::string& request, const std::string& body, size_t piece) {
  const size_t first = RangeOf(request);
  std::string head = first == 0 ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 206 Partial Content\r\n";
  head += "ETag: \"v1\"\r\nContent-Type: audio/mpeg\r\nContent-Length: " +
          std::to_string(body.size() - first) + "\r\n";
  if (first > 0) {
    head += "Content-Range: bytes " + std::to_string(first) + "-" +
            std::to_string(body.size() - 1) + "/" + std::to_string(body.size()) + "\r\n";
  }
  return head + "\r\n" + body.substr(first, piece);
}

TEST_F(DownloadTest, ABrokenDownloadGoesOnWithinAnAttempt) {
  TestServer server([&](const std::string& request) { return ServeRange(request, body_, 30'000); });
  const auto done = Get(server);
  ASSERT_TRUE(done) << done.error().Describe();
  EXPECT_EQ(Content(), body_);
  EXPECT_EQ(done->resumes, 3);
  EXPECT_EQ(done->content_type, "audio/mpeg");
  EXPECT_EQ(done->file_name, "talk.mp3");
  const auto requests = server.requests();
  EXPECT_THAT(requests.at(0), Not(HasSubstr("Range:")));
  EXPECT_THAT(requests.at(1), HasSubstr("Range: bytes=30000-\r\nIf-Range: \"v1\"\r\n"));
}

TEST_F(DownloadTest, TheNextAttemptGoesOnWhereTheLastEnded) {
  {
    TestServer server(
        [&](const std::string& request) { return ServeRange(request, body_, 40'000); });
    const auto broken = Get(server, 0);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().reason, "url_unreachable");
    EXPECT_EQ(Content().size(), 40'000U);
    const auto done = Get(server, 5);
    ASSERT_TRUE(done) << done.error().Describe();
    EXPECT_EQ(RangeOf(server.requests().at(1)), 40'000U);
    // And when all is there, nobody is asked again.
    const size_t asked = server.requests().size();
    ASSERT_TRUE(Get(server));
    EXPECT_EQ(server.requests().size(), asked);
  }
  EXPECT_EQ(Content(), body_);
}

TEST_F(DownloadTest, AFileThatChangedMeanwhileIsBegunAnew) {
  bool changed = false;
  TestServer server([&](const std::string& request) {
    if (!changed) return ServeRange(request, body_, 40'000);
    return Reply("200 OK", "ETag: \"v2\"\r\n", "new content");
  });
  ASSERT_FALSE(Get(server, 0));
  changed = true;
  ASSERT_TRUE(Get(server));
  EXPECT_EQ(Content(), "new content");
}

TEST_F(DownloadTest, WithoutAValidatorItIsBegunAnew) {
  TestServer server([&](const std::string& request) -> std::string {
    EXPECT_EQ(RangeOf(request), 0U);
    return "HTTP/1.1 200 OK\r\nETag: W/\"weak\"\r\nContent-Length: 100\r\n\r\n0123456789";
  });
  const auto broken = Get(server);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().reason, "url_unreachable");
  EXPECT_EQ(server.requests().size(), 2U) << "the second try gets no further";
}

TEST_F(DownloadTest, AnotherUrlIsBegunAnew) {
  TestServer server([&](const std::string& request) { return ServeRange(request, body_, 40'000); });
  ASSERT_FALSE(Get(server, 0));
  ASSERT_FALSE(Get(server, 0, "/other.mp3"));
  EXPECT_EQ(RangeOf(server.requests().at(1)), 0U);
}

TEST_F(DownloadTest, AWrongRangeIsNotGluedTogether) {
  TestServer server([&](const std::string& request) -> std::string {
    if (RangeOf(request) == 0) return ServeRange(request, body_, 40'000);
    return Reply("206 Partial Content", "Content-Range: bytes 7-9/100000\r\n", "xyz");
  });
  const auto done = Get(server);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Content().size(), 0U);
}

TEST_F(DownloadTest, WhatIsNoRecordingIsRefused) {
  const std::vector<std::tuple<std::string, std::string, std::string>> answers{
      {"Content-Type: text/html; charset=utf-8\r\n", "<p>hello", "url_not_media"},
      {"Content-Type: audio/mpeg\r\n", "\n <!DOCTYPE html><p>lie", "url_not_media"},
      {"Content-Type: application/rss+xml\r\n", "<rss/>", "url_not_media"},
      {"Content-Type: audio/mpeg\r\n", "", "media_empty"}};
  for (const auto& [headers, body, reason] : answers) {
    TestServer server([&](const std::string&) { return Reply("200 OK", headers, body); });
    const auto done = Get(server);
    ASSERT_FALSE(done) << headers;
    EXPECT_EQ(done.error().reason, reason);
    EXPECT_EQ(done.error().code, ErrorCode::kInvalid);
  }
}

TEST_F(DownloadTest, ATooLargeOneIsRefusedBeforeOrWhileItComes) {
  bytes_max_ = 50'000;
  TestServer told([&](const std::string&) { return Reply("200 OK", "", body_); });
  const auto before = Get(told);
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().reason, "media_too_large");
  EXPECT_EQ(Content().size(), 0U);
  TestServer untold(
      [&](const std::string&) { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body_; });
  const auto during = Get(untold);
  ASSERT_FALSE(during);
  EXPECT_EQ(during.error().reason, "media_too_large");
  EXPECT_LE(Content().size(), 50'000U);
  ForgetDownload(path_);
  EXPECT_FALSE(IsThere());
}

TEST(DispositionFileName, IsTheNameWithoutFolders) {
  EXPECT_EQ(DispositionFileName("attachment; filename=\"a b.mp3\""), "a b.mp3");
  EXPECT_EQ(DispositionFileName("attachment; filename=a.mp3; x=y"), "a.mp3");
  EXPECT_EQ(DispositionFileName("attachment; filename=x; filename*=UTF-8''%C3%A4.mp3"), "ä.mp3");
  EXPECT_EQ(DispositionFileName("attachment; filename=\"../../etc/passwd\""), "passwd");
  EXPECT_EQ(DispositionFileName("attachment; filename=\"..\""), "");
  EXPECT_EQ(DispositionFileName("inline"), "");
  EXPECT_EQ(DispositionFileName(""), "");
}

}  // namespace
}  // namespace narralytica::source
