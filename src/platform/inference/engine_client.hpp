// Calls the engine process. The wire format is docs/formats/engine-protocol.md.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "platform/inference/engine_server.hpp"

namespace narralytica::platform {

// One request; all views outlive the call.
struct EngineCall {
  std::string_view op;
  const nlohmann::json& body;
  std::span<const uint8_t> payload;
  std::string_view trace_id;
};

// Connects on the first call and again after the engine died; keeps a few idle connections.
// Thread-safe: concurrent calls use connections of their own.
//
// A folder's workers share the engine of one of them. When that worker goes, its engine takes leave
// of the others' calls; those wait up to `absence_max` for the next engine and are made again
// there, as are calls that come before the first engine is up. An engine that crashes takes no
// leave: what it was working on may be why.
class EngineClient {
 public:
  explicit EngineClient(std::string socket_path, std::chrono::milliseconds absence_max = {})
      : socket_path_(std::move(socket_path)), absence_max_(absence_max) {}
  ~EngineClient();
  EngineClient(const EngineClient&) = delete;
  EngineClient& operator=(const EngineClient&) = delete;

  // Sends one request and waits for its reply. The engine's own errors come back as they are;
  // kUnavailable when there is no engine (reason kEngineAway), it died meanwhile, or the deadline
  // passed (ops are pure: the caller may simply try again); kCanceled after the deadline's stop,
  // which also stops the work in the engine.
  Result<EngineReply> Call(const EngineCall& call, const Deadline& deadline);
  Result<EngineReply> Call(std::string_view op, const nlohmann::json& body,
                           std::span<const uint8_t> payload, const Deadline& deadline) {
    return Call({op, body, payload, {}}, deadline);
  }

 private:
  Result<EngineReply> CallOnce(const EngineCall& call, const Deadline& deadline);
  Result<int> Connect(const Deadline& deadline);
  void Release(int fd);

  static constexpr size_t kIdleConnectionsMax = 4;
  const std::string socket_path_;
  const std::chrono::milliseconds absence_max_;
  std::atomic<uint64_t> next_id_ = 1;
  std::mutex mutex_;
  std::vector<int> idle_;
};

}  // namespace narralytica::platform
