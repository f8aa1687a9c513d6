#include "transcript/compute_slots.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "platform/inference/runtime.hpp"

namespace narralytica::transcript {

Status ComputeSlots::ForEach(size_t count, const std::function<Status(size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Status status;
  const auto guarded = [&](size_t i) -> Status {
    try {
      return work(i);
    } catch (const std::bad_alloc&) {
      return Fail(platform::OutOfMemory());
    }
  };
  const auto run = [&] {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      const Status done = guarded(i);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (status) status = done;
      next = count;
    }
  };
  std::vector<std::jthread> helpers;
  for (size_t i = 1; i < count && free_.try_acquire(); ++i) {
    try {
      helpers.emplace_back([&] {
        run();
        free_.release();
      });
    } catch (const std::exception&) {  // no memory for another thread: this one does it all
      free_.release();
      break;
    }
  }
  run();
  helpers.clear();
  return status;
}

}  // namespace narralytica::transcript
