// The three seams to the world outside the program that tests replace: clock, ids, randomness.
//
// Nothing else in Narralytica calls std::chrono clocks, random devices or UUID generators, so that
// one seed replays one run. Implementations are thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <span>
#include <string>

#include "base/time.hpp"

namespace narralytica {

class Clock {
 public:
  virtual ~Clock() = default;
  // Calendar time; may step.
  virtual UtcMs Now() const = 0;
  // Milliseconds that only grow, suspended time included (CLOCK_BOOTTIME); comparable between
  // processes of one boot.
  virtual int64_t BootMs() const = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(std::span<uint8_t> bytes) = 0;
  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound);
};

class SystemClock final : public Clock {
 public:
  UtcMs Now() const override;
  int64_t BootMs() const override;
};

class SystemRandom final : public Random {
 public:
  void Fill(std::span<uint8_t> bytes) override;
};

// Stands still until told to move.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(UtcMs now) : now_ms_(now.value) {}
  UtcMs Now() const override;
  int64_t BootMs() const override;
  void Advance(int64_t duration_ms);

 private:
  mutable std::mutex mutex_;
  int64_t now_ms_;
  int64_t boot_ms_ = 1'000'000;
};

// Reproducible from its seed; never for keys.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void Fill(std::span<uint8_t> bytes) override;

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

// The kernel's id of this boot; empty where the system has none. With it, a lease on BootMs() of an
// earlier boot is known to be over.
std::string BootId();

struct Environment {
  Clock& clock;
  Random& random;
};

// A process's real clock and randomness.
Environment SystemEnvironment();

}  // namespace narralytica
