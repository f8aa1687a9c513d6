// The engine process's server: requests by a Unix socket, two lanes, deadlines, a memory ceiling.
//
// Place in the flow: `serve` and `work` call through EngineClient; handlers registered by the
// modules that own a model (transcript, index) do the work. The wire format is
// docs/formats/engine-protocol.md.
//
// What it guarantees:
//  * A request of the interactive lane never waits behind one of the batch lane: each lane has its
//    own threads and its own bounded queue.
//  * A queue that is full refuses at once (kLimited), it never blocks the socket.
//  * A caller that disconnects, or whose deadline passes, stops its request: the handler sees it
//    through request.deadline between its steps.
//  * A grouped op gets every request of its kind that waits, as one call (batching across callers).
//  * While the process holds more memory than `memory_bytes_max`, new batch requests are refused
//    (kLimited, reason "resource"); the interactive lane keeps answering. A request that runs out
//    of memory ends alone, with the same error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/environment.hpp"
#include "base/result.hpp"

namespace narralytica::platform {

enum class EngineLane : uint8_t {
  kInteractive,  // query embeddings, health: milliseconds, somebody waits
  kBatch,        // recognition, embeddings of whole recordings: seconds
};

struct EngineRequest {
  std::string op;
  nlohmann::json body;           // an object
  std::vector<uint8_t> payload;  // op-specific bytes
  std::string trace_id;
  Deadline deadline = Deadline::Never();  // carries the stop of the caller's disconnect
};

struct EngineReply {
  nlohmann::json body = nlohmann::json::object();
  std::vector<uint8_t> payload;
};

// Called on a lane's thread; may be called from several threads at once. Must not throw, but for
// nlohmann's exceptions on a body of the wrong shape, which become kInvalid.
using EngineHandler = std::function<Result<EngineReply>(const EngineRequest&)>;
// Answers all `requests` (1 to group_max, one op), in the same order and number.
using EngineGroupHandler =
    std::function<std::vector<Result<EngineReply>>(std::span<const EngineRequest>)>;

// A model that a handler has loaded, for `health`.
struct LoadedModel {
  std::string id;    // "whisper-base"
  std::string hash;  // sha256 of the model, as in its model.json
  std::string task;  // "recognition", "vad", "text_embedding"
};

struct EngineServerOptions {
  std::string socket_path;  // at most kSocketPathBytesMax; created with mode 0600
  int interactive_threads = 1;
  int batch_threads = 2;
  size_t queue_requests_max = 64;  // per lane
  size_t connections_max = 64;
  uint64_t memory_bytes_max = uint64_t{4} << 30;       // resident set of the process
  nlohmann::json versions = nlohmann::json::object();  // what `health` reports as `versions`

  // sockaddr_un::sun_path without its closing NUL.
  static constexpr size_t kSocketPathBytesMax = 107;
};

class EngineServer {
 public:
  // Binds and listens; replaces a stale socket file. kInvalid for a path too long, kConflict when
  // another engine has the path: one at a time does, by a lock on the file beside it.
  static Result<std::unique_ptr<EngineServer>> Create(EngineServerOptions options,
                                                      const Clock& clock);
  virtual ~EngineServer() = default;

  // Before Serve only. `op` names must be unique; "health" is built in.
  virtual void Register(std::string op, EngineLane lane, EngineHandler handler) = 0;
  virtual void RegisterGrouped(std::string op, EngineLane lane, size_t group_max,
                               EngineGroupHandler handler) = 0;

  // Thread-safe; called by a handler once its model is loaded.
  virtual void NoteModel(LoadedModel model) = 0;
  // Thread-safe; adds a line to `versions` of health ("onnxruntime", "1.28.2").
  virtual void NoteVersion(std::string name, std::string version) = 0;

  // Serves until the deadline's stop (or time); then leaves the path to the next engine, takes
  // leave of every caller (kUnavailable, reason kEngineAway), stops running handlers and joins its
  // threads.
  virtual Status Serve(Deadline deadline) = 0;
};

}  // namespace narralytica::platform
