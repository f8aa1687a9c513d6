#include "app/progress_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "app/cli.hpp"
#include "base/time.hpp"

namespace narralytica::app {
namespace {

constexpr int kBarWidth = 24;
constexpr std::chrono::milliseconds kRedraw{150};
constexpr std::chrono::seconds kLogEvery{15};

}  // namespace

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() { Clear(); }

void ProgressLine::Clear() {
  if (terminal_ && shown_) NotePart("\r\x1b[K");
  shown_ = false;
}

void ProgressLine::Show(std::string_view what, double fraction, std::string_view stage,
                        std::optional<int64_t> eta_ms) {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kRedraw) return;
  if (!terminal_ && what == last_what_ && now - last_ < kLogEvery) return;
  if (!terminal_ && what != last_what_) {
    last_what_ = what;  // the first line comes when there is something to tell
    last_ = now;
    return;
  }
  last_ = now;
  const std::string name = std::filesystem::path(what).filename().string();
  const std::string eta = eta_ms ? ", about " + FormatDuration(*eta_ms) + " left" : "";
  const double percent = std::clamp(fraction, 0.0, 1.0) * 100;
  if (!terminal_) {
    Note(fmt::format("{}: {:.0f} % ({}{})", name, percent, stage, eta));
    return;
  }
  const int filled = static_cast<int>(percent * kBarWidth / 100);
  NotePart(fmt::format("\r\x1b[K{} [{:#<{}}{:.<{}}] {:3.0f} % {}{}", name.substr(0, 32), "", filled,
                       "", kBarWidth - filled, percent, stage, eta));
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::Finish(std::string_view line) {
  Clear();
  Note(line);
}

}  // namespace narralytica::app
