// Frames between the engine and its callers: docs/formats/engine-protocol.md.
//
//     frame = header json payload
//     header = "NRLE" version:u8 kind:u8 0:u16 json_bytes:u32 payload_bytes:u32   little endian
//
// All sockets here are non-blocking; every function takes a deadline or returns at once.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"

namespace narralytica::platform {

enum class FrameKind : uint8_t { kRequest = 1, kReply = 2 };

// The reason of a call that met no engine: none runs, or the one that did is being replaced. An
// engine that stops says it on every connection, as a reply whose id is null, and hangs up.
inline constexpr std::string_view kEngineAway = "engine_away";

inline constexpr uint8_t kEngineProtocolVersion = 1;
inline constexpr size_t kFrameHeaderBytes = 16;
inline constexpr uint32_t kFrameJsonBytesMax = 4u << 20;
inline constexpr uint32_t kFramePayloadBytesMax = 64u << 20;

struct Frame {
  FrameKind kind = FrameKind::kRequest;
  std::string json;
  std::vector<uint8_t> payload;
};

// A frame to send, over memory that the caller keeps.
struct OutgoingFrame {
  FrameKind kind;
  std::string_view json;
  std::span<const uint8_t> payload;
};

struct FrameHeader {
  FrameKind kind = FrameKind::kRequest;
  uint32_t json_bytes = 0;
  uint32_t payload_bytes = 0;
};

std::array<uint8_t, kFrameHeaderBytes> EncodeFrameHeader(const FrameHeader& header);
// kInvalid for another magic, version or kind; kLimited for sizes beyond the limits.
Result<FrameHeader> DecodeFrameHeader(std::span<const uint8_t, kFrameHeaderBytes> bytes);

// Puts one frame together from whatever a non-blocking socket has.
class FrameAssembler {
 public:
  // Reads what is there. True once a frame is complete (take it before the next call); false when
  // the socket has no more for now. kUnavailable when the peer closed or the socket failed, else
  // as DecodeFrameHeader.
  Result<bool> ReadFrom(int fd);
  Frame Take();
  bool empty() const { return have_ == 0; }

 private:
  Result<bool> Advance();
  std::span<uint8_t> Wanted();

  enum class Part : uint8_t { kHeader, kJson, kPayload, kDone };
  Part part_ = Part::kHeader;
  std::array<uint8_t, kFrameHeaderBytes> header_{};
  Frame frame_;
  uint32_t payload_bytes_ = 0;
  size_t have_ = 0;  // bytes of the current part
};

// kUnavailable when the peer is gone or the deadline passes, kCanceled after its stop.
Status SendFrame(int fd, const OutgoingFrame& frame, const Deadline& deadline);
Result<Frame> ReceiveFrame(int fd, const Deadline& deadline);

}  // namespace narralytica::platform
