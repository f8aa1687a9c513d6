#include "platform/inference/engine_lane.hpp"

#include <utility>

namespace narralytica::platform {

EngineLaneQueue::EngineLaneQueue(int threads, size_t requests_max, Serve serve)
    : requests_max_(requests_max), serve_(std::move(serve)) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      for (auto group = PopGroup(); !group.empty(); group = PopGroup()) serve_(std::move(group));
    });
  }
}

EngineLaneQueue::~EngineLaneQueue() {
  std::deque<QueuedRequest> abandoned;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    abandoned.swap(queue_);
  }
  waiting_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  for (QueuedRequest& request : abandoned) {
    request.answer(Fail(ErrorCode::kUnavailable, "the inference engine is stopping",
                        "try again; it may be restarting"));
  }
}

bool EngineLaneQueue::Push(QueuedRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || queue_.size() >= requests_max_) return false;
    queue_.push_back(std::move(request));
  }
  waiting_.notify_one();
  return true;
}

// The oldest request and those of the same op behind it; empty when the lane closes.
std::vector<QueuedRequest> EngineLaneQueue::PopGroup() {
  std::unique_lock lock(mutex_);
  waiting_.wait(lock, [&] { return closing_ || !queue_.empty(); });
  std::vector<QueuedRequest> group;
  if (closing_) return group;
  group.push_back(std::move(queue_.front()));
  queue_.pop_front();
  const std::string op = group.front().request.op;
  for (auto it = queue_.begin(); it != queue_.end() && group.size() < group.front().group_max;) {
    if (it->request.op == op) {
      group.push_back(std::move(*it));
      it = queue_.erase(it);
    } else {
      ++it;
    }
  }
  return group;
}

}  // namespace narralytica::platform
