#include "platform/http/http_client.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "platform/file.hpp"

namespace narralytica::platform {
namespace {

// Answers one connection with one canned reply, and keeps what it was asked.
class OneReplyServer {
 public:
  // An empty reply means silence until the peer goes.
  explicit OneReplyServer(std::string reply, std::function<void()> on_asked = {})
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        reply_(std::move(reply)),
        on_asked_(std::move(on_asked)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_.get(), generic, length), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
    EXPECT_EQ(getsockname(listener_.get(), generic, &length), 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this] { Serve(); });
  }
  ~OneReplyServer() { Stop(); }

  const std::string& url() const { return url_; }
  // Ends the connection; what was asked.
  std::string Stop() {
    shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    return asked_;
  }

 private:
  void Serve() {
    const FileDescriptor peer(accept(listener_.get(), nullptr, nullptr));
    if (!peer.valid()) return;
    char buffer[4096];
    while (asked_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = read(peer.get(), buffer, sizeof(buffer));
      if (got <= 0) return;
      asked_.append(buffer, static_cast<size_t>(got));
    }
    if (on_asked_) on_asked_();
    (void)!write(peer.get(), reply_.data(), reply_.size());
    if (reply_.empty()) (void)!read(peer.get(), buffer, sizeof(buffer));
  }

  FileDescriptor listener_;
  std::string reply_, url_, asked_;
  std::function<void()> on_asked_;
  std::thread thread_;
};

Deadline Soon() { return Deadline::In(std::chrono::seconds{10}); }

TEST(HttpClient, SendsHeadersAndReadsAReply) {
  OneReplyServer server("HTTP/1.1 404 Not Found\r\nX-Why: gone\r\nContent-Length: 4\r\n\r\nnope");
  HttpClient client;
  const auto reply =
      client.Send({.url = server.url() + "a", .headers = {{"Authorization", "Bearer k"}}}, Soon());
  ASSERT_TRUE(reply) << reply.error().Describe();
  EXPECT_EQ(reply->head.status, 404);
  EXPECT_EQ(reply->head.Find("x-why"), "gone");
  EXPECT_EQ(reply->body, "nope");
  const std::string asked = server.Stop();
  EXPECT_TRUE(asked.starts_with("GET /a HTTP/1.1\r\n")) << asked;
  EXPECT_NE(asked.find("Authorization: Bearer k\r\n"), std::string::npos) << asked;
}

TEST(HttpClient, StreamsTheReplyAndStopsWhenTheReaderWillNot) {
  OneReplyServer server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef");
  HttpClient client;
  const auto reply = client.Send(
      {.url = server.url(), .on_body = [](auto) { return Fail(ErrorCode::kLimited, "enough"); }},
      Soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().message, "enough");
}

TEST(HttpClient, ATooLongReplyIsRefused) {
  OneReplyServer server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef");
  const auto reply = HttpClient().Send({.url = server.url(), .body_bytes_max = 5}, Soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kLimited);
}

TEST(HttpClient, ABrokenOffReplyIsAnErrorNotAShortBody) {
  OneReplyServer server("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nabcdef");
  const auto reply = HttpClient().Send({.url = server.url()}, Soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
}

TEST(HttpClient, ARefusedPeerIsNeverConnectedTo) {
  OneReplyServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const auto reply = HttpClient().Send(
      {.url = server.url(),
       .allow_peer = [](const sockaddr&) { return Fail(ErrorCode::kDenied, "not there"); }},
      Soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kDenied);
  EXPECT_EQ(server.Stop(), "");
}

TEST(HttpClient, OtherSchemesAreInvalid) {
  for (const char* url : {"file:///etc/passwd", "gopher://127.0.0.1/", "nonsense://", ""}) {
    const auto reply = HttpClient().Send({.url = url}, Soon());
    ASSERT_FALSE(reply) << url;
    EXPECT_EQ(reply.error().code, ErrorCode::kInvalid) << url;
  }
}

TEST(HttpClient, AStopEndsARequestThatIsSilent) {
  std::stop_source stop;
  OneReplyServer server("", [&] { stop.request_stop(); });
  const auto reply = HttpClient().Send({.url = server.url()},
                                       Deadline::In(std::chrono::minutes{1}, stop.get_token()));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kCanceled);
}

TEST(EncodeUrlPart, KeepsUnreservedCharactersOnly) {
  EXPECT_EQ(EncodeUrlPart("a-Z_0.~"), "a-Z_0.~");
  EXPECT_EQ(EncodeUrlPart("ä b/&"), "%C3%A4%20b%2F%26");
}

}  // namespace
}  // namespace narralytica::platform
