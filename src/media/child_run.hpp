// One run of the media child as its parent sees it: spawn, feed, listen, end, explain. Private to
// the module.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "media/protocol.hpp"
#include "platform/process/child_process.hpp"
#include "platform/process/sandbox.hpp"

namespace narralytica::media {

struct ChildJob {
  MediaRequest request;
  int input_fd = -1;            // borrowed, like the outputs; -1 for none
  std::vector<int> output_fds;  // regular files
  std::function<void(double)> on_progress;
  // When set, the child's first output is a pipe and its samples come here, in order.
  std::function<Status(std::span<const int16_t>)> on_pcm;
};

struct ChildAnswer {
  std::string result;  // for the Decode functions of the protocol
  SelfUsage usage;
};

// How the child is started; immutable.
struct ChildProgram {
  std::string path;
  std::vector<std::string> arguments;
  platform::Sandbox sandbox;
};

// The child's own error when it gave one; else media_decode_failed for a crash or an answer that is
// none, media_resource for the kernel's limits, media_killed when somebody else ended it,
// media_child_failed when it does not work, media_timeout and kCanceled for the deadline, the
// callback's error. The child has ended when this returns.
Result<ChildAnswer> RunChild(const ChildProgram& program, const ChildJob& job,
                             const Deadline& deadline);

}  // namespace narralytica::media
