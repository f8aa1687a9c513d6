// Progress for a person: one line that is redrawn on a terminal, or, elsewhere, a line now and
// then.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace narralytica::app {

// Writes to stderr. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  // `fraction` 0 to 1.
  void Show(std::string_view what, double fraction, std::string_view stage,
            std::optional<int64_t> eta_ms);
  // Ends the line with something that stays.
  void Finish(std::string_view line);

 private:
  void Clear();
  const bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
  std::string last_what_;
};

}  // namespace narralytica::app
