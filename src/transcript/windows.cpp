#include "transcript/windows.hpp"

#include <algorithm>

namespace narralytica::transcript {
namespace {

// Pauses beyond this are all good enough: then the later one wins.
constexpr int64_t kGoodPauseMs = 600;

}  // namespace

std::vector<SpeechWindow> WindowPacker::Push(const std::vector<TimeRange>& segments) {
  std::vector<SpeechWindow> windows;
  for (const TimeRange& segment : segments) {
    if (!open_.empty() && segment.start_ms - open_.back().end_ms > rules_.gap_ms_max) {
      Close(open_.size(), windows);
    }
    while (!open_.empty() && segment.end_ms - open_.front().start_ms > rules_.window_ms_max) {
      // The new segment counts as a neighbour: its pause may be the best place.
      open_.push_back(segment);
      const size_t split = BestSplit();
      open_.pop_back();
      Close(split, windows);
    }
    open_.push_back(segment);
  }
  return windows;
}

std::vector<SpeechWindow> WindowPacker::Finish() {
  std::vector<SpeechWindow> windows;
  if (!open_.empty()) Close(open_.size(), windows);
  return windows;
}

// How many of the open segments, the last excluded, make the next window: cut at the longest pause
// that leaves a window of good length, else at the last one.
size_t WindowPacker::BestSplit() const {
  size_t best = open_.size() - 1;
  int64_t best_gap_ms = -1;
  for (size_t i = 1; i < open_.size(); ++i) {
    if (open_[i - 1].end_ms - open_.front().start_ms < rules_.window_ms_good) continue;
    const int64_t gap_ms = std::min(open_[i].start_ms - open_[i - 1].end_ms, kGoodPauseMs);
    if (gap_ms >= best_gap_ms) {
      best_gap_ms = gap_ms;
      best = i;
    }
  }
  return best;
}

void WindowPacker::Close(size_t count, std::vector<SpeechWindow>& windows) {
  const auto end = open_.begin() + std::ptrdiff_t(count);
  windows.push_back({{open_.front().start_ms, open_[count - 1].end_ms},
                     std::vector<TimeRange>(open_.begin(), end)});
  open_.erase(open_.begin(), end);
}

}  // namespace narralytica::transcript
