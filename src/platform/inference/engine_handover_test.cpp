// An engine that goes while callers are at it, and the one after it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <future>
#include <latch>
#include <thread>

#include "base/environment.hpp"
#include "platform/file.hpp"
#include "platform/inference/engine_client.hpp"
#include "platform/inference/engine_wire.hpp"

namespace narralytica::platform {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr seconds kPatience{30};

// An engine whose op "work" says its name: at once, or not before it is told to stop.
class Engine {
 public:
  Engine(const std::string& path, std::string name, bool busy)
      : server_(*EngineServer::Create({.socket_path = path}, SystemEnvironment().clock)) {
    server_->Register("work", EngineLane::kBatch,
                      [this, name, busy](const EngineRequest& request) -> Result<EngineReply> {
                        if (busy) AwaitStop(request);
                        return EngineReply{{{"name", name}}, {}};
                      });
    thread_ = std::jthread([this](const std::stop_token& stop) {
      EXPECT_TRUE(server_->Serve(Deadline::Never(stop)));
    });
  }

  void AwaitRequest() { started_.wait(); }
  // It serves no more, but is still there.
  void Stop() {
    thread_.request_stop();
    thread_.join();
  }

 private:
  void AwaitStop(const EngineRequest& request) {
    std::promise<void> stopped;
    const std::stop_callback told(request.deadline.stop(), [&] { stopped.set_value(); });
    started_.count_down();
    stopped.get_future().wait();
  }

  std::latch started_{1};
  std::unique_ptr<EngineServer> server_;
  std::jthread thread_;
};

class EngineHandover : public testing::Test {
 protected:
  std::future<Result<EngineReply>> Call(EngineClient& client) {
    return std::async(std::launch::async, [&client] {
      return client.Call("work", Json::object(), {}, Deadline::In(kPatience));
    });
  }

  TemporaryFolder folder_ = *TemporaryFolder::Create(testing::TempDir(), "engine");
  const std::string path_ = folder_.path() + "/e.sock";
  EngineClient client_{path_, kPatience};
};

TEST_F(EngineHandover, ACallIsMadeAgainAtTheNextEngine) {
  Engine first(path_, "first", true);
  auto reply = Call(client_);
  first.AwaitRequest();
  first.Stop();
  const Engine second(path_, "second", false);
  const auto answered = reply.get();
  ASSERT_TRUE(answered) << answered.error().message;
  EXPECT_EQ(answered->body["name"], "second");
}

TEST_F(EngineHandover, TwinWithoutPatienceTheCallFailsWithTheEngine) {
  EngineClient impatient(path_);
  Engine first(path_, "first", true);
  auto reply = Call(impatient);
  first.AwaitRequest();
  first.Stop();
  const auto failed = reply.get();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(failed.error().reason, kEngineAway);
}

TEST_F(EngineHandover, ACallBeforeTheFirstEngineWaitsForIt) {
  auto reply = Call(client_);
  const Engine first(path_, "first", false);
  EXPECT_TRUE(reply.get());
}

TEST_F(EngineHandover, AnIdleConnectionOfTheEngineBeforeIsNotUsed) {
  {
    const Engine first(path_, "first", false);
    ASSERT_TRUE(Call(client_).get());
  }
  const Engine second(path_, "second", false);
  EXPECT_EQ(Call(client_).get()->body["name"], "second");
}

TEST_F(EngineHandover, ThePathIsOneEnginesAtATime) {
  auto first = std::make_unique<Engine>(path_, "first", false);
  const auto another = EngineServer::Create({.socket_path = path_}, SystemEnvironment().clock);
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().code, ErrorCode::kConflict);
  first->Stop();
  const Engine second(path_, "second", false);
  first.reset();
  const auto reply = Call(client_).get();
  ASSERT_TRUE(reply) << "the end of the first took the socket of the second away";
  EXPECT_EQ(reply->body["name"], "second");
}

// What an engine died of may be the request: it is not made again.
TEST_F(EngineHandover, ACrashTakesNoLeave) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, path_.size());
  const FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  auto reply = Call(client_);
  FileDescriptor accepted(accept(listener.get(), nullptr, nullptr));
  accepted.Close();
  const auto failed = reply.get();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(failed.error().reason, kEngineAway);
}

}  // namespace
}  // namespace narralytica::platform
