#include "platform/inference/engine_wire.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace narralytica::platform {
namespace {

constexpr std::array<uint8_t, 4> kMagic{'N', 'R', 'L', 'E'};
// How often a blocking call looks at its stop.
constexpr std::chrono::milliseconds kStopPoll{20};

void PutU32(uint8_t* out, uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = uint8_t(value >> (8 * i));
}

uint32_t GetU32(const uint8_t* in) {
  return uint32_t{in[0]} | uint32_t{in[1]} << 8 | uint32_t{in[2]} << 16 | uint32_t{in[3]} << 24;
}

std::unexpected<Error> PeerGone(const char* what, int error) {
  return Fail(ErrorCode::kUnavailable, fmt::format("the engine connection {}", what),
              "try again; the engine may be restarting", error == 0 ? "" : std::strerror(error));
}

Status WaitFor(int fd, short events, const Deadline& deadline) {
  for (;;) {
    NRL_CHECK(deadline.Check("the engine call"));
    pollfd waited{fd, events, 0};
    const int ready = poll(&waited, 1, int(deadline.Left(kStopPoll).count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return PeerGone("failed", errno);
  }
}

}  // namespace

std::array<uint8_t, kFrameHeaderBytes> EncodeFrameHeader(const FrameHeader& header) {
  std::array<uint8_t, kFrameHeaderBytes> bytes{};
  std::copy(kMagic.begin(), kMagic.end(), bytes.begin());
  bytes[4] = kEngineProtocolVersion;
  bytes[5] = uint8_t(header.kind);
  PutU32(&bytes[8], header.json_bytes);
  PutU32(&bytes[12], header.payload_bytes);
  return bytes;
}

Result<FrameHeader> DecodeFrameHeader(std::span<const uint8_t, kFrameHeaderBytes> bytes) {
  if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin()) || bytes[6] != 0 || bytes[7] != 0) {
    return Fail(ErrorCode::kInvalid, "the frame is not of the engine protocol");
  }
  if (bytes[4] != kEngineProtocolVersion) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("engine protocol version {} is not spoken here", bytes[4]),
                "run the engine and its callers from the same release");
  }
  if (bytes[5] != uint8_t(FrameKind::kRequest) && bytes[5] != uint8_t(FrameKind::kReply)) {
    return Fail(ErrorCode::kInvalid, fmt::format("engine frame kind {} is unknown", bytes[5]));
  }
  const FrameHeader header{FrameKind(bytes[5]), GetU32(&bytes[8]), GetU32(&bytes[12])};
  if (header.json_bytes > kFrameJsonBytesMax || header.payload_bytes > kFramePayloadBytesMax) {
    return Fail(ErrorCode::kLimited, "the engine frame is too large", "send less at once");
  }
  return header;
}

std::span<uint8_t> FrameAssembler::Wanted() {
  switch (part_) {
    case Part::kHeader:
      return std::span(header_).subspan(have_);
    case Part::kJson:
      return std::span(reinterpret_cast<uint8_t*>(frame_.json.data()), frame_.json.size())
          .subspan(have_);
    case Part::kPayload:
      return std::span(frame_.payload).subspan(have_);
    case Part::kDone:
      break;
  }
  return {};
}

// Moves on while the current part is complete; true at the end of the frame.
Result<bool> FrameAssembler::Advance() {
  while (part_ != Part::kDone && Wanted().empty()) {
    have_ = 0;
    if (part_ == Part::kHeader) {
      NRL_TRY(const FrameHeader header, DecodeFrameHeader(header_));
      frame_.kind = header.kind;
      frame_.json.resize(header.json_bytes);
      payload_bytes_ = header.payload_bytes;
      part_ = Part::kJson;
    } else if (part_ == Part::kJson) {
      frame_.payload.resize(payload_bytes_);
      part_ = Part::kPayload;
    } else {
      part_ = Part::kDone;
    }
  }
  return part_ == Part::kDone;
}

Result<bool> FrameAssembler::ReadFrom(int fd) {
  for (;;) {
    NRL_TRY(const bool complete, Advance());
    if (complete) return true;
    const std::span<uint8_t> wanted = Wanted();
    const ssize_t got = recv(fd, wanted.data(), wanted.size(), MSG_DONTWAIT);
    if (got > 0) {
      have_ += size_t(got);
    } else if (got == 0) {
      return PeerGone("was closed", 0);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return false;
    } else if (errno != EINTR) {
      return PeerGone("failed", errno);
    }
  }
}

Frame FrameAssembler::Take() {
  NRL_ASSERT(part_ == Part::kDone);
  part_ = Part::kHeader;
  have_ = 0;
  return std::exchange(frame_, {});
}

Status SendFrame(int fd, const OutgoingFrame& frame, const Deadline& deadline) {
  const auto& [kind, json, payload] = frame;
  if (json.size() > kFrameJsonBytesMax || payload.size() > kFramePayloadBytesMax) {
    return Fail(ErrorCode::kLimited, "the engine frame is too large", "send less at once");
  }
  auto header = EncodeFrameHeader({kind, uint32_t(json.size()), uint32_t(payload.size())});
  std::array<iovec, 3> parts{{{header.data(), header.size()},
                              {const_cast<char*>(json.data()), json.size()},
                              {const_cast<uint8_t*>(payload.data()), payload.size()}}};
  size_t first = 0;
  while (first < parts.size()) {
    if (parts[first].iov_len == 0) {
      ++first;
      continue;
    }
    msghdr message{};
    message.msg_iov = &parts[first];
    message.msg_iovlen = parts.size() - first;
    const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        NRL_CHECK(WaitFor(fd, POLLOUT, deadline));
      } else if (errno != EINTR) {
        return PeerGone("was closed", errno);
      }
      continue;
    }
    size_t left = size_t(sent);
    for (size_t i = first; i < parts.size() && left > 0; ++i) {
      const size_t taken = std::min(left, parts[i].iov_len);
      parts[i].iov_base = static_cast<uint8_t*>(parts[i].iov_base) + taken;
      parts[i].iov_len -= taken;
      left -= taken;
    }
  }
  return {};
}

Result<Frame> ReceiveFrame(int fd, const Deadline& deadline) {
  FrameAssembler assembler;
  for (;;) {
    NRL_TRY(const bool complete, assembler.ReadFrom(fd));
    if (complete) return assembler.Take();
    NRL_CHECK(WaitFor(fd, POLLIN, deadline));
  }
}

}  // namespace narralytica::platform
