#include "transcript/compute_slots.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace narralytica::transcript {

Status ComputeSlots::ForEach(size_t count, const std::function<Status(size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Status status;
  const auto run = [&] {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      const Status done = work(i);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (status) status = done;
      next = count;
    }
  };
  std::vector<std::jthread> helpers;
  for (size_t i = 1; i < count && free_.try_acquire(); ++i) {
    helpers.emplace_back([&] {
      run();
      free_.release();
    });
  }
  run();
  helpers.clear();
  return status;
}

}  // namespace narralytica::transcript
