// One lane of the engine server: a bounded queue and the threads that empty it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/inference/engine_server.hpp"

namespace narralytica::platform {

// One accepted request and how to answer it. `answer` is called exactly once, from any thread.
struct QueuedRequest {
  EngineRequest request;
  size_t group_max = 1;
  std::function<void(Result<EngineReply>)> answer;
};

// Thread-safe.
class EngineLaneQueue {
 public:
  // `serve` is called on one of `threads` threads with 1 to group_max requests of one op; it
  // answers them all.
  using Serve = std::function<void(std::vector<QueuedRequest>)>;

  EngineLaneQueue(int threads, size_t requests_max, Serve serve);
  // Answers what still waits with kUnavailable and joins the threads.
  ~EngineLaneQueue();

  // False, and `request` untouched, when the queue is full or closing.
  bool Push(QueuedRequest& request);

 private:
  std::vector<QueuedRequest> PopGroup();

  const size_t requests_max_;
  const Serve serve_;
  std::mutex mutex_;
  std::condition_variable waiting_;
  std::deque<QueuedRequest> queue_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace narralytica::platform
