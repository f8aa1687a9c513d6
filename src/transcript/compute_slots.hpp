// The cores of the engine, shared fairly: independent items of one call spread over idle cores.
//
// Every item runs on one thread, so that its result does not depend on how many there are.
#pragma once

#include <cstddef>
#include <functional>
#include <semaphore>

#include "base/result.hpp"

namespace narralytica::transcript {

class ComputeSlots {
 public:
  static constexpr std::ptrdiff_t kSlotsMax = 256;

  explicit ComputeSlots(int slots) : free_(slots) {}

  // One core, held for as long as the object lives; waits for it.
  class Hold {
   public:
    explicit Hold(ComputeSlots& slots) : slots_(slots) { slots_.free_.acquire(); }
    ~Hold() { slots_.free_.release(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    ComputeSlots& slots_;
  };

  // Calls `work` for 0..count-1 on the caller's thread, which holds a slot, and on as many more as
  // there are free slots. The first error ends it.
  Status ForEach(size_t count, const std::function<Status(size_t)>& work);

 private:
  std::counting_semaphore<kSlotsMax> free_;
};

}  // namespace narralytica::transcript
