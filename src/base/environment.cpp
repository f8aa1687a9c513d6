#include "base/environment.hpp"

#include <sys/random.h>
#include <time.h>

#include <chrono>
#include <cstring>
#include <fstream>

#include "base/result.hpp"

namespace narralytica {

uint64_t Random::Below(uint64_t bound) {
  NRL_ASSERT(bound > 0);
  // Rejection keeps the distribution uniform.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value = 0;
  do {
    uint8_t bytes[sizeof(value)];
    Fill(bytes);
    std::memcpy(&value, bytes, sizeof(value));
  } while (value >= limit);
  return value % bound;
}

UtcMs SystemClock::Now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

int64_t SystemClock::BootMs() const {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

void SystemRandom::Fill(std::span<uint8_t> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = getrandom(bytes.data() + done, bytes.size() - done, 0);
    if (got > 0) done += static_cast<size_t>(got);
  }
}

UtcMs FakeClock::Now() const {
  const std::lock_guard lock(mutex_);
  return {now_ms_};
}

int64_t FakeClock::BootMs() const {
  const std::lock_guard lock(mutex_);
  return boot_ms_;
}

void FakeClock::Advance(int64_t duration_ms) {
  const std::lock_guard lock(mutex_);
  now_ms_ += duration_ms;
  boot_ms_ += duration_ms;
}

void SeededRandom::Fill(std::span<uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(engine_() >> 32);
}

std::string BootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

Environment SystemEnvironment() {
  static SystemClock clock;
  static SystemRandom random;
  return {clock, random};
}

}  // namespace narralytica
