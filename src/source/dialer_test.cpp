#include "source/dialer.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>

#include <fstream>

#include "source/test_server.hpp"

namespace narralytica::source {
namespace {

using testing::HasSubstr;

Deadline Soon() { return Deadline::In(std::chrono::seconds{20}); }

Dialer Strict() { return *Dialer::Create({}); }
Dialer LoopbackAllowed() {
  FetchConfig config;
  config.allow_private = {"127.0.0.1"};
  return *Dialer::Create(config);
}

// One line a case: "unsafe URL", "public URL" or "peer ADDRESS", "public-peer ADDRESS".
struct Case {
  int line = 0;
  std::string verdict, subject;
};
std::vector<Case> Corpus() {
  std::ifstream file("src/source/dialer_corpus.txt");
  std::vector<Case> cases;
  std::string text;
  for (int line = 1; std::getline(file, text); ++line) {
    if (text.empty() || text.starts_with('#')) continue;
    const size_t space = text.find(' ');
    cases.push_back({line, text.substr(0, space), text.substr(space + 1)});
  }
  return cases;
}

sockaddr_storage SocketAddress(const std::string& text) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr), 1) << text;
    v6->sin6_family = AF_INET6;
  }
  return storage;
}

TEST(Dialer, TheCorpusIsJudgedAsItSays) {
  const Dialer dialer = Strict();
  const auto cases = Corpus();
  EXPECT_GE(cases.size(), 250U);
  for (const Case& one : cases) {
    SCOPED_TRACE(testing::Message() << "line " << one.line << ": " << one.subject);
    Status verdict;
    if (one.verdict.ends_with("peer")) {
      const sockaddr_storage address = SocketAddress(one.subject);
      verdict = dialer.CheckPeer(reinterpret_cast<const sockaddr&>(address));
    } else if (const auto url = dialer.CheckUrl(one.subject); !url) {
      verdict = Fail(url.error());
    }
    const bool expect_ok = one.verdict.starts_with("public");
    EXPECT_EQ(verdict.has_value(), expect_ok) << (verdict ? "allowed" : verdict.error().message);
    if (!verdict) {
      EXPECT_EQ(verdict.error().reason, "unsafe_url");
      EXPECT_EQ(verdict.error().code, ErrorCode::kInvalid);
      EXPECT_FALSE(verdict.error().hint.empty());
    }
  }
}

// Everything that the corpus calls unsafe is tried for real, with the port of a listener on every
// address of the machine: nobody may come.
TEST(Dialer, NobodyConnectsForAnUnsafeUrl) {
  TestServer server([](const std::string&) { return Reply("200 OK", "", "secret"); }, "0.0.0.0");
  const Dialer dialer = Strict();
  for (const std::string& host : std::vector<std::string>{
           "127.0.0.1", "127.1", "0x7f000001", "2130706433", "017700000001", "localhost", "0",
           "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "127.0.0.1.",
           "LOCALHOST", "localhost.", "%31%32%37.0.0.1", "①②⑦.0.0.1", "a.localhost"}) {
    const auto reply = dialer.Fetch({.url = server.Url("/", host), .headers = {}}, Soon());
    EXPECT_FALSE(reply) << host;
  }
  EXPECT_EQ(server.Stop(), 0U);
}

// A name whose answer was public when it was judged and is private when it is connected to: the
// judge sees the socket's address and nothing else. The machine's own name in /etc/hosts, which
// CheckUrl lets pass, stands for it.
TEST(Dialer, ANameThatResolvesToAForbiddenAddressIsRefusedAtTheSocket) {
  char name[256];
  ASSERT_EQ(gethostname(name, sizeof(name)), 0);
  TestServer server([](const std::string&) { return Reply("200 OK", "", "secret"); }, "0.0.0.0");
  const Dialer dialer = Strict();
  const std::string url = server.Url("/", name);
  ASSERT_TRUE(dialer.CheckUrl(url)) << "the name alone says nothing";
  const auto reply = dialer.Fetch({.url = url, .headers = {}}, Soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason, "unsafe_url") << reply.error().message;
  EXPECT_EQ(server.Stop(), 0U);
}

TEST(Dialer, WhatIsAllowedIsFetched) {
  TestServer server([](const std::string&) { return Reply("200 OK", "X-A: b\r\n", "hello"); });
  const auto reply = LoopbackAllowed().Fetch(
      {.url = server.Url("/x"), .headers = {{"If-None-Match", "t"}}}, Soon());
  ASSERT_TRUE(reply) << reply.error().Describe();
  EXPECT_EQ(reply->body, "hello");
  EXPECT_EQ(reply->url, server.Url("/x"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("If-None-Match: t\r\n"));
}

TEST(Dialer, ARedirectIsJudgedLikeAFirstUrl) {
  TestServer forbidden([](const std::string&) { return Reply("200 OK", "", "secret"); },
                       "127.0.0.2");
  for (const std::string& target :
       {forbidden.Url("/", "127.0.0.2"), forbidden.Url("/", "0x7f.2"),
        std::string("file:///etc/passwd"), std::string("gopher://127.0.0.1/"),
        std::string("http://u:p@127.0.0.1/"), std::string("http://127.0.0.1:22/"),
        std::string("//[::1]/")}) {
    TestServer server(
        [&](const std::string&) { return Reply("302 Found", "Location: " + target + "\r\n", ""); });
    const auto reply = LoopbackAllowed().Fetch({.url = server.Url(), .headers = {}}, Soon());
    ASSERT_FALSE(reply) << target;
    EXPECT_EQ(reply.error().reason, "unsafe_url") << target << ": " << reply.error().message;
  }
  EXPECT_EQ(forbidden.Stop(), 0U);
}

TEST(Dialer, ARedirectIsFollowedAndALoopEnds) {
  TestServer server([&](const std::string& request) {
    if (request.starts_with("GET /end ")) return Reply("200 OK", "", "there");
    if (request.starts_with("GET /a ")) return Reply("301 Moved", "Location: end\r\n", "body");
    return Reply("302 Found", "Location: /loop\r\n", "");
  });
  const auto followed = LoopbackAllowed().Fetch({.url = server.Url("/a"), .headers = {}}, Soon());
  ASSERT_TRUE(followed) << followed.error().Describe();
  EXPECT_EQ(followed->body, "there");
  EXPECT_EQ(followed->url, server.Url("/end"));
  const auto loop = LoopbackAllowed().Fetch({.url = server.Url("/loop"), .headers = {}}, Soon());
  ASSERT_FALSE(loop);
  EXPECT_EQ(loop.error().reason, "url_redirects");
  EXPECT_EQ(server.Stop(), 2U + 6U);
}

TEST(Dialer, StatusesSayWhatTheCallerCanDo) {
  const std::vector<std::tuple<std::string, std::string, ErrorCode>> statuses{
      {"404 Not Found", "url_not_found", ErrorCode::kNotFound},
      {"410 Gone", "url_not_found", ErrorCode::kNotFound},
      {"403 Forbidden", "url_denied", ErrorCode::kDenied},
      {"400 Bad Request", "url_rejected", ErrorCode::kInvalid},
      {"429 Too Many Requests", "url_unavailable", ErrorCode::kUnavailable},
      {"503 Service Unavailable", "url_unavailable", ErrorCode::kUnavailable},
      {"302 Found", "url_redirects", ErrorCode::kInvalid}};
  for (const auto& [status, reason, code] : statuses) {
    TestServer server([&](const std::string&) { return Reply(status, "", "why"); });
    const auto reply = LoopbackAllowed().Fetch({.url = server.Url(), .headers = {}}, Soon());
    ASSERT_FALSE(reply) << status;
    EXPECT_EQ(reply.error().reason, reason);
    EXPECT_EQ(reply.error().code, code) << status;
  }
}

TEST(Dialer, AHugeBodyIsCutOff) {
  TestServer server(
      [](const std::string&) { return Reply("200 OK", "", std::string(100'000, 'x')); });
  const auto reply = LoopbackAllowed().Fetch(
      {.url = server.Url(), .headers = {}, .body_bytes_max = 50'000}, Soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason, "payload_too_large");
}

TEST(Dialer, ASilentServerIsGivenUp) {
  TestServer server([](const std::string&) { return std::string(); });
  FetchConfig config;
  config.allow_private = {"127.0.0.1"};
  config.idle_timeout_ms = 1'000;
  const auto reply = Dialer::Create(config)->Fetch({.url = server.Url(), .headers = {}}, Soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason, "url_unreachable");
}

TEST(FetchConfig, EveryProblemIsTold) {
  FetchConfig config;
  config.allow_private = {"10.0.0.0/8", "10.0.0.0/33", "example.org", "fd00::/129"};
  config.ports = {"80", "0", "90-80", "x", "80-65536"};
  EXPECT_EQ(config.Validate().size(), 7U);
  EXPECT_FALSE(Dialer::Create(config));
  EXPECT_TRUE(FetchConfig{}.Validate().empty());
}

}  // namespace
}  // namespace narralytica::source
