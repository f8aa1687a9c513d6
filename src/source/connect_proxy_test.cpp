#include "source/connect_proxy.hpp"

#include <gmock/gmock.h>

#include "source/test_server.hpp"

namespace narralytica::source {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ConnectProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    FetchConfig config;
    config.allow_private = {"127.0.0.1"};
    dialer_.emplace(*Dialer::Create(config));
    proxy_ = std::move(*ConnectProxy::Start(*dialer_, socket_, {}));
  }
  // Sends it and reads until the proxy ends the connection.
  std::string Ask(const std::string& request) {
    const auto connection = ConnectUnix(socket_);
    EXPECT_TRUE(connection);
    EXPECT_EQ(send(connection->get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    shutdown(connection->get(), SHUT_WR);
    std::string reply;
    char buffer[4096];
    for (ssize_t got; (got = recv(connection->get(), buffer, sizeof(buffer), 0)) > 0;) {
      reply.append(buffer, static_cast<size_t>(got));
    }
    return reply;
  }
  static std::string Authority(const TestServer& server, const std::string& host = "127.0.0.1") {
    return host + ":" + std::to_string(server.port());
  }

  platform::TemporaryFolder folder_ =
      std::move(*platform::TemporaryFolder::Create("/tmp", "nrl-proxy-test"));
  std::string socket_ = folder_.path() + "/s";
  std::optional<Dialer> dialer_;
  std::unique_ptr<ConnectProxy> proxy_;
};

TEST_F(ConnectProxyTest, CarriesATunnel) {
  TestServer server([](const std::string&) { return Reply("200 OK", "", "inside"); });
  const std::string reply =
      Ask("CONNECT " + Authority(server) + " HTTP/1.1\r\nHost: x\r\n\r\nGET /t HTTP/1.1\r\n\r\n");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK"));
  EXPECT_THAT(reply, HasSubstr("inside"));
  EXPECT_THAT(server.requests().at(0), StartsWith("GET /t HTTP/1.1"));
  EXPECT_FALSE(proxy_->refused());
}

TEST_F(ConnectProxyTest, CarriesAPlainRequestInItsServersForm) {
  TestServer server([](const std::string&) { return Reply("200 OK", "", "plain"); });
  const std::string reply = Ask("GET " + server.Url("/p?q=1") +
                                " HTTP/1.1\r\nHost: h\r\nProxy-Connection: keep-alive\r\n"
                                "Connection: keep-alive\r\nX-Kept: yes\r\n\r\n");
  EXPECT_THAT(reply, HasSubstr("plain"));
  const std::string asked = server.requests().at(0);
  EXPECT_THAT(asked, StartsWith("GET /p?q=1 HTTP/1.1\r\nConnection: close\r\nHost: h\r\n"));
  EXPECT_THAT(asked, HasSubstr("X-Kept: yes\r\n\r\n"));
  EXPECT_THAT(asked, Not(HasSubstr("keep-alive")));
}

TEST_F(ConnectProxyTest, RefusesWhatTheDialerRefuses) {
  TestServer forbidden([](const std::string&) { return Reply("200 OK", "", "secret"); },
                       "127.0.0.2");
  char name[256];
  ASSERT_EQ(gethostname(name, sizeof(name)), 0);
  const std::vector<std::string> requests{
      "CONNECT " + Authority(forbidden, "127.0.0.2") + " HTTP/1.1",
      "CONNECT " + Authority(forbidden, "0x7f.2") + " HTTP/1.1",
      "CONNECT " + Authority(forbidden, "u@127.0.0.2") + " HTTP/1.1",
      "CONNECT " + Authority(forbidden, "[::ffff:127.0.0.2]") + " HTTP/1.1",
      "CONNECT 127.0.0.1:22 HTTP/1.1",
      "GET " + forbidden.Url("/", "127.0.0.2") + " HTTP/1.1",
      "GET https://127.0.0.1/ HTTP/1.1",
      "GET file:///etc/passwd HTTP/1.1",
      "GET / HTTP/1.1",
      "CONNECT  HTTP/1.1",
      "nonsense"};
  for (const std::string& request : requests) {
    EXPECT_THAT(Ask(request + "\r\n\r\n"), StartsWith("HTTP/1.1 403 ")) << request;
  }
  EXPECT_TRUE(proxy_->refused());
  EXPECT_EQ(forbidden.Stop(), 0U);
}

TEST_F(ConnectProxyTest, SaysWhatItCannotReach) {
  int port = 0;
  {
    const auto gone = ListenLoopback(&port);
  }
  EXPECT_THAT(Ask("CONNECT 127.0.0.1:" + std::to_string(port) + " HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(Ask("GET http://127.0.0.1/ HTTP/1.1\r\nno end"), "");
}

}  // namespace
}  // namespace narralytica::source
