#include "platform/inference/engine_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <optional>
#include <utility>

#include "platform/inference/engine_wire.hpp"

namespace narralytica::platform {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::hours kRequestDeadlineMax{1};
// A reply of the engine that says "your deadline passed" should win against our own clock.
constexpr std::chrono::milliseconds kReplySlack{200};
// How often a call looks for the next engine.
constexpr std::chrono::milliseconds kAbsencePoll{50};

std::unexpected<Error> NoEngine(int error) {
  return Fail(Error{ErrorCode::kUnavailable, "the inference engine is not running",
                    "start it with `narralytica up`, or wait for its restart", std::strerror(error),
                    std::string(kEngineAway)});
}

void Pause(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
}

// True when the other end has closed, or sent something nobody asked for.
bool IsStale(int fd) {
  pollfd polled{fd, POLLIN | POLLRDHUP, 0};
  return poll(&polled, 1, 0) != 0;
}

Result<EngineReply> ReadReply(Frame frame, uint64_t id) {
  constexpr const char* kBroken = "the engine's reply cannot be read";
  const Json reply = Json::parse(frame.json, nullptr, false);
  const bool shaped = frame.kind == FrameKind::kReply && reply.is_object();
  const Json answered = shaped ? reply.value("id", Json()) : Json();
  // A request that could not be read has no id; the error says why.
  const bool ours = shaped && (answered == id || (answered.is_null() && reply.contains("error")));
  if (!ours) {
    return Fail(ErrorCode::kUnavailable, kBroken, "run engine and caller from the same release");
  }
  if (const auto body = reply.find("body"); body != reply.end() && body->is_object()) {
    return EngineReply{*body, std::move(frame.payload)};
  }
  const Json error = reply.value("error", Json::object());
  const auto text = [&](const char* key) {
    const auto found = error.find(key);
    return found != error.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  return Fail(Error{ErrorCodeFromString(text("code")).value_or(ErrorCode::kInternal),
                    text("message"), text("hint"), text("cause"), text("reason")});
}

}  // namespace

EngineClient::~EngineClient() {
  for (const int fd : idle_) close(fd);
}

Result<int> EngineClient::Connect(const Deadline& deadline) {
  NRL_CHECK(deadline.Check("the engine call"));
  {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      const int fd = std::exchange(idle_.back(), -1);
      idle_.pop_back();
      if (!IsStale(fd)) return fd;
      close(fd);
    }
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.size() > EngineServerOptions::kSocketPathBytesMax) {
    return Fail(ErrorCode::kInvalid, "the engine's socket path is too long",
                "use a data folder with a shorter path", socket_path_);
  }
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return NoEngine(errno);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    close(fd);
    return NoEngine(error);
  }
  return fd;
}

void EngineClient::Release(int fd) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleConnectionsMax) {
    idle_.push_back(fd);
  } else {
    close(fd);
  }
}

Result<EngineReply> EngineClient::Call(const EngineCall& call, const Deadline& deadline) {
  std::optional<Deadline> patience;
  while (true) {
    Result<EngineReply> reply = CallOnce(call, deadline);
    if (reply || reply.error().reason != kEngineAway) return reply;
    if (!patience) patience = Deadline::In(absence_max_, deadline.stop());
    if (patience->expired() || deadline.expired()) return reply;
    Pause(kAbsencePoll, deadline.stop());
  }
}

Result<EngineReply> EngineClient::CallOnce(const EngineCall& call, const Deadline& deadline) {
  NRL_TRY(const int fd, Connect(deadline));
  const uint64_t id = next_id_.fetch_add(1);
  const auto left = deadline.Left(kRequestDeadlineMax);
  const Json request{{"id", id},
                     {"op", call.op},
                     {"deadline_ms", left.count()},
                     {"trace", call.trace_id},
                     {"body", call.body}};
  const Deadline patient = Deadline::In(left + kReplySlack, deadline.stop());
  Status sent = SendFrame(fd, {FrameKind::kRequest, request.dump(), call.payload}, patient);
  // An engine that hangs up in the middle of a request has said why before.
  const Deadline soon = Deadline::In(std::min(left, kReplySlack), deadline.stop());
  Result<Frame> frame = ReceiveFrame(fd, sent ? patient : soon);
  if (sent && frame) {
    Release(fd);
  } else {
    close(fd);  // also tells the engine to stop working on it
  }
  if (!frame) return sent ? Fail(frame) : Fail(sent);
  return ReadReply(std::move(*frame), id);
}

}  // namespace narralytica::platform
