#include "platform/inference/engine_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include "platform/inference/engine_lane.hpp"
#include "platform/inference/engine_wire.hpp"
#include "platform/inference/runtime.hpp"

namespace narralytica::platform {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kRequestDeadlineMax = std::chrono::hours{1};
// A caller that does not read its reply for this long is treated as gone.
constexpr milliseconds kReplySendMax{5000};
// The same for one that the engine takes leave of.
constexpr milliseconds kLeaveSendMax{100};
// How often the poll loop looks at its stop.
constexpr milliseconds kStopPoll{100};

// Resident set of this process; 0 when the kernel does not say.
uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * uint64_t(sysconf(_SC_PAGESIZE));
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// One caller. The poll loop owns `assembler`; a lane thread that answers touches only the socket,
// and hands it back by clearing `busy`.
struct Connection {
  explicit Connection(int accepted) : fd(accepted) {}
  const FileDescriptor fd;
  FrameAssembler assembler;
  std::stop_source stop;
  std::atomic<bool> busy = false;
  std::atomic<bool> broken = false;
  std::mutex sending;
  bool left = false;  // nothing more is sent; under `sending`
};

// The socket's path is an engine's while it holds this.
std::string LockPath(const std::string& socket_path) { return socket_path + ".lock"; }

struct Op {
  EngineLane lane;
  size_t group_max;
  EngineGroupHandler handler;
};

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string EncodeReply(const Json& id, const Result<EngineReply>& reply) {
  if (reply) return Dump({{"id", id}, {"body", reply->body}});
  const Error& error = reply.error();
  return Dump({{"id", id},
               {"error",
                {{"code", ToString(error.code)},
                 {"message", error.message},
                 {"hint", error.hint},
                 {"cause", error.cause},
                 {"reason", error.reason}}}});
}

std::vector<Result<EngineReply>> CallHandler(const Op& op,
                                             std::span<const EngineRequest> requests) {
  Error error;
  try {
    return op.handler(requests);
  } catch (const Json::exception& e) {
    error = {ErrorCode::kInvalid, "the engine request has the wrong shape", {}, e.what(), {}};
  } catch (const std::bad_alloc&) {
    error = OutOfMemory();
  }
  return std::vector<Result<EngineReply>>(requests.size(), Fail(error));
}

// A request that there is no memory for is refused; the others go on.
Result<bool> ReadFrame(Connection& connection) {
  try {
    return connection.assembler.ReadFrom(connection.fd.get());
  } catch (const std::bad_alloc&) {
    return Fail(OutOfMemory());
  }
}

struct Sockets {
  int lock, listener, wake;
};

class EngineServerImpl final : public EngineServer {
 public:
  EngineServerImpl(EngineServerOptions options, const Clock& clock, const Sockets& sockets)
      : options_(std::move(options)),
        clock_(clock),
        started_ms_(clock.BootMs()),
        lock_(std::make_unique<FileDescriptor>(sockets.lock)),
        listener_(sockets.listener),
        wake_(sockets.wake) {
    Register(
        "health", EngineLane::kInteractive,
        [this](const EngineRequest&) -> Result<EngineReply> { return EngineReply{Health(), {}}; });
  }

  ~EngineServerImpl() override { LeavePath(); }

  void Register(std::string op, EngineLane lane, EngineHandler handler) override {
    RegisterGrouped(std::move(op), lane, 1,
                    [handler = std::move(handler)](std::span<const EngineRequest> requests) {
                      std::vector<Result<EngineReply>> replies;
                      replies.push_back(handler(requests.front()));
                      return replies;
                    });
  }

  void RegisterGrouped(std::string op, EngineLane lane, size_t group_max,
                       EngineGroupHandler handler) override {
    NRL_ASSERT(group_max > 0);
    const bool fresh = ops_.emplace(std::move(op), Op{lane, group_max, std::move(handler)}).second;
    NRL_ASSERT(fresh);
  }

  void NoteModel(LoadedModel model) override {
    const std::lock_guard lock(mutex_);
    models_.push_back(std::move(model));
  }

  void NoteVersion(std::string name, std::string version) override {
    const std::lock_guard lock(mutex_);
    options_.versions[name] = version;
  }

  Status Serve(Deadline deadline) override;

 private:
  using Connections = std::vector<std::shared_ptr<Connection>>;

  Json Health();
  void LeavePath();
  void TakeLeave(Connection& connection);
  Status PollOnce(Connections& connections, milliseconds wait);
  bool Accept(Connections& connections);
  void ReadRequest(const std::shared_ptr<Connection>& connection);
  void Dispatch(const std::shared_ptr<Connection>& connection, Frame frame);
  void Answer(Connection& connection, const Json& id, const Result<EngineReply>& reply);
  void ServeGroup(std::vector<QueuedRequest> group);
  bool OverMemory();

  EngineServerOptions options_;
  const Clock& clock_;
  const int64_t started_ms_;
  std::unique_ptr<FileDescriptor> lock_;  // null once the path is another's
  const FileDescriptor listener_;
  const FileDescriptor wake_;  // an eventfd: a connection has become free
  std::map<std::string, Op, std::less<>> ops_;
  std::unique_ptr<EngineLaneQueue> interactive_;
  std::unique_ptr<EngineLaneQueue> batch_;
  std::mutex mutex_;  // models_, options_.versions
  std::vector<LoadedModel> models_;
};

Json EngineServerImpl::Health() {
  const std::lock_guard lock(mutex_);
  Json models = Json::array();
  for (const LoadedModel& model : models_) {
    models.push_back({{"id", model.id}, {"hash", model.hash}, {"task", model.task}});
  }
  return {{"ok", true},
          {"pid", getpid()},
          {"uptime_ms", clock_.BootMs() - started_ms_},
          {"rss_bytes", ResidentBytes()},
          {"memory_bytes_max", options_.memory_bytes_max},
          {"models", std::move(models)},
          {"versions", options_.versions}};
}

Status EngineServerImpl::Serve(Deadline deadline) {
  const auto serve = [this](std::vector<QueuedRequest> group) { ServeGroup(std::move(group)); };
  interactive_ = std::make_unique<EngineLaneQueue>(options_.interactive_threads,
                                                   options_.queue_requests_max, serve);
  batch_ =
      std::make_unique<EngineLaneQueue>(options_.batch_threads, options_.queue_requests_max, serve);
  Connections connections;
  Status status;
  while (status && !deadline.stopped() && !deadline.expired()) {
    status = PollOnce(connections, deadline.Left(kStopPoll));
  }
  LeavePath();
  while (Accept(connections)) {
  }
  for (const auto& connection : connections) TakeLeave(*connection);
  for (const auto& connection : connections) connection->stop.request_stop();
  batch_.reset();
  interactive_.reset();
  return status;
}

// While the lock is held nobody else has bound the path.
void EngineServerImpl::LeavePath() {
  if (lock_) unlink(options_.socket_path.c_str());
  lock_.reset();
}

void EngineServerImpl::TakeLeave(Connection& connection) {
  const std::string json = EncodeReply(nullptr, Fail(Error{ErrorCode::kUnavailable,
                                                           "the inference engine is stopping",
                                                           "try again; it may be restarting",
                                                           {},
                                                           std::string(kEngineAway)}));
  const std::lock_guard lock(connection.sending);
  connection.left = true;
  const Status sent =
      SendFrame(connection.fd.get(), {FrameKind::kReply, json, {}}, Deadline::In(kLeaveSendMax));
  // A caller in the middle of its request sees that it is not read.
  if (shutdown(connection.fd.get(), SHUT_RDWR) != 0 || !sent) connection.broken = true;
}

Status EngineServerImpl::PollOnce(Connections& connections, milliseconds wait) {
  std::erase_if(connections, [](const auto& connection) { return connection->broken.load(); });
  std::vector<pollfd> polled{{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
  for (const auto& connection : connections) {
    const short events = connection->busy ? POLLRDHUP : POLLIN | POLLRDHUP;
    polled.push_back({connection->fd.get(), events, 0});
  }
  if (poll(polled.data(), polled.size(), int(wait.count())) < 0) {
    if (errno == EINTR) return {};
    return Fail(ErrorCode::kInternal, "the engine's poll loop failed", {}, std::strerror(errno));
  }
  if (polled[1].revents != 0) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t read_bytes = read(wake_.get(), &count, sizeof(count));
  }
  for (size_t i = 0; i < connections.size(); ++i) {
    const short seen = polled[i + 2].revents;
    if ((seen & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
      connections[i]->stop.request_stop();
      connections[i]->broken = true;
    } else if ((seen & POLLIN) != 0) {
      ReadRequest(connections[i]);
    }
  }
  if (polled[0].revents != 0) Accept(connections);
  return {};
}

bool EngineServerImpl::Accept(Connections& connections) {
  const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return false;
  auto connection = std::make_shared<Connection>(fd);
  if (connections.size() < options_.connections_max) connections.push_back(std::move(connection));
  return true;
}

void EngineServerImpl::ReadRequest(const std::shared_ptr<Connection>& connection) {
  const Result<bool> complete = ReadFrame(*connection);
  if (!complete) {
    // A frame that cannot be read leaves the stream without a boundary: say why, then hang up.
    if (complete.error().code != ErrorCode::kUnavailable) {
      Answer(*connection, nullptr, Fail(complete.error()));
    }
    connection->broken = true;
    return;
  }
  if (*complete) Dispatch(connection, connection->assembler.Take());
}

void EngineServerImpl::Dispatch(const std::shared_ptr<Connection>& connection, Frame frame) {
  Json envelope = Json::parse(frame.json, nullptr, false);
  const Json id = envelope.is_object() ? envelope.value("id", Json()) : Json();
  const bool shaped = frame.kind == FrameKind::kRequest && id.is_number_unsigned() &&
                      envelope.value("op", Json()).is_string() &&
                      envelope.value("body", Json()).is_object();
  if (!shaped) {
    Answer(*connection, id,
           Fail(ErrorCode::kInvalid, "the engine request needs an id, an op and a body"));
    return;
  }
  const auto op = ops_.find(envelope["op"].get_ref<const std::string&>());
  if (op == ops_.end()) {
    Answer(*connection, id,
           Fail(ErrorCode::kInvalid, fmt::format("the engine has no op '{}'", envelope["op"])));
    return;
  }
  if (op->second.lane == EngineLane::kBatch && OverMemory()) {
    Answer(*connection, id, Fail(OutOfMemory()));
    return;
  }
  const Json limit = envelope.value("deadline_ms", Json());
  const auto left =
      limit.is_number_integer() ? milliseconds(limit.get<int64_t>()) : kRequestDeadlineMax;
  const Json trace = envelope.value("trace", Json());
  connection->stop = std::stop_source();
  QueuedRequest queued;
  queued.group_max = op->second.group_max;
  queued.request = {op->first, std::move(envelope["body"]), std::move(frame.payload),
                    trace.is_string() ? trace.get<std::string>() : std::string(),
                    Deadline::In(std::clamp(left, milliseconds{0}, kRequestDeadlineMax),
                                 connection->stop.get_token())};
  queued.answer = [this, connection, id](const Result<EngineReply>& reply) {
    Answer(*connection, id, reply);
    connection->busy = false;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
  };
  connection->busy = true;
  auto& lane = op->second.lane == EngineLane::kBatch ? batch_ : interactive_;
  if (!lane->Push(queued)) {
    queued.answer(Fail(ErrorCode::kLimited, "the inference engine's queue is full", "try later"));
  }
}

void EngineServerImpl::Answer(Connection& connection, const Json& id,
                              const Result<EngineReply>& reply) {
  const std::string json = EncodeReply(id, reply);
  OutgoingFrame frame{FrameKind::kReply, json, {}};
  if (reply) frame.payload = reply->payload;
  const std::lock_guard lock(connection.sending);
  if (connection.left) return;
  const Status sent = SendFrame(connection.fd.get(), frame, Deadline::In(kReplySendMax));
  if (!sent) connection.broken = true;
}

void EngineServerImpl::ServeGroup(std::vector<QueuedRequest> group) {
  std::erase_if(group, [](QueuedRequest& queued) {
    const Status alive = queued.request.deadline.Check("waiting for the engine");
    if (!alive) queued.answer(Fail(alive));
    return !alive;
  });
  if (group.empty()) return;
  std::vector<EngineRequest> requests;
  requests.reserve(group.size());
  for (QueuedRequest& queued : group) requests.push_back(std::move(queued.request));
  const auto replies = CallHandler(ops_.find(requests.front().op)->second, requests);
  const bool starved = std::ranges::any_of(
      replies, [](const auto& reply) { return !reply && reply.error().reason == "resource"; });
  if (starved) malloc_trim(0);  // so that the next, smaller request finds what this one left
  NRL_ASSERT(replies.size() == group.size());
  for (size_t i = 0; i < group.size(); ++i) group[i].answer(replies[i]);
}

bool EngineServerImpl::OverMemory() {
  if (ResidentBytes() <= options_.memory_bytes_max) return false;
  malloc_trim(0);
  return ResidentBytes() > options_.memory_bytes_max;
}

Result<sockaddr_un> SocketAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() > EngineServerOptions::kSocketPathBytesMax) {
    return Fail(ErrorCode::kInvalid, "the engine's socket path is too long",
                "use a data folder with a shorter path", path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

Result<std::unique_ptr<EngineServer>> EngineServer::Create(EngineServerOptions options,
                                                           const Clock& clock) {
  NRL_TRY(const sockaddr_un address, SocketAddress(options.socket_path));
  const int path_lock =
      open(LockPath(options.socket_path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (path_lock >= 0 && flock(path_lock, LOCK_EX | LOCK_NB) != 0) {
    close(path_lock);
    return Fail(ErrorCode::kConflict, "another inference engine runs on this data folder",
                "stop it first, or use it");
  }
  if (path_lock >= 0) unlink(options.socket_path.c_str());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  auto server = std::make_unique<EngineServerImpl>(std::move(options), clock,
                                                   Sockets{path_lock, listener, wake});
  // fchmod before bind sets the mode the socket file is created with, so nobody else can connect
  // in between.
  const bool listening =
      path_lock >= 0 && listener >= 0 && wake >= 0 && fchmod(listener, S_IRUSR | S_IWUSR) == 0 &&
      bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      listen(listener, SOMAXCONN) == 0;
  if (!listening) {
    return Fail(ErrorCode::kUnavailable, "the inference engine cannot open its socket",
                "check that the data folder is writable", std::strerror(errno));
  }
  return server;
}

}  // namespace narralytica::platform
