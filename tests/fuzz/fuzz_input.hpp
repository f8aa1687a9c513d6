// What every fuzz target shares: the entry point's name, and cutting one input into the parts that
// a parser wants. A target aborts (NRL_ASSERT) when a parser breaks a promise of its header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace narralytica::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

  // A number of the first bytes; 0 when they have run out.
  template <typename Number>
  Number Take() {
    Number number{};
    const std::string_view bytes = Bytes(sizeof number);
    std::memcpy(&number, bytes.data(), bytes.size());
    return number;
  }
  // A small number, 0 to `most`.
  uint32_t Below(uint32_t most) { return Take<uint8_t>() % (most + 1); }
  // Up to the next line break, which is taken too.
  std::string_view Line() {
    const size_t end = left_.find('\n');
    const std::string_view line = left_.substr(0, end);
    left_.remove_prefix(end == std::string_view::npos ? left_.size() : end + 1);
    return line;
  }
  std::string_view Bytes(size_t count) {
    const std::string_view bytes = left_.substr(0, count);
    left_.remove_prefix(bytes.size());
    return bytes;
  }
  std::string_view Rest() const { return left_; }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view left_;
};

}  // namespace narralytica::fuzz
