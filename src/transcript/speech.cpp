#include "transcript/speech.hpp"

#include <algorithm>

namespace narralytica::transcript {

std::vector<TimeRange> SpeechSegmenter::Push(std::span<const float> probabilities) {
  for (const float probability : probabilities) {
    if (probability >= rules_.enter_probability) {
      silence_.reset();
      if (!start_) start_ = frame_;
    }
    if (start_) {
      open_.push_back(probability);
      if (probability < rules_.leave_probability && !silence_) silence_ = frame_;
      if (silence_ && (frame_ - *silence_) * kFrameMs >= rules_.silence_ms_min) {
        Close(*silence_);
      } else {
        CutIfLong();
      }
    }
    ++frame_;
  }
  std::vector<TimeRange> segments;
  for (const TimeRange& raw : raw_) Emit(raw, segments);
  raw_.clear();
  return segments;
}

std::vector<TimeRange> SpeechSegmenter::Finish(int64_t end_ms) {
  if (start_) Close(frame_);
  std::vector<TimeRange> segments;
  for (const TimeRange& raw : raw_) Emit(raw, segments);
  raw_.clear();
  if (pending_) {
    pending_->end_ms = std::min(end_ms, pending_->end_ms + rules_.pad_ms);
    if (pending_->end_ms > pending_->start_ms) segments.push_back(*pending_);
    pending_.reset();
  }
  return segments;
}

void SpeechSegmenter::Close(int64_t end_frame) {
  const TimeRange raw{*start_ * kFrameMs, end_frame * kFrameMs};
  if (raw.duration_ms() >= rules_.speech_ms_min) raw_.push_back(raw);
  start_.reset();
  silence_.reset();
  open_.clear();
}

// Cuts at the least likely frame of the second half.
void SpeechSegmenter::CutIfLong() {
  const int64_t length = frame_ + 1 - *start_;
  if (length * kFrameMs < rules_.speech_ms_max) return;
  const auto half = open_.begin() + std::ptrdiff_t(open_.size() / 2);
  const auto lowest = std::min_element(half, open_.end() - 1);
  const int64_t cut = *start_ + (lowest - open_.begin());
  raw_.push_back({*start_ * kFrameMs, cut * kFrameMs});
  open_.erase(open_.begin(), lowest);
  start_ = cut;
  if (silence_) silence_ = std::max(*silence_, cut);
}

// Pads both sides by pad_ms, or by half of a smaller gap.
void SpeechSegmenter::Emit(TimeRange raw, std::vector<TimeRange>& segments) {
  int64_t pad_ms = std::min(rules_.pad_ms, raw.start_ms);
  if (pending_) {
    pad_ms = std::min(rules_.pad_ms, (raw.start_ms - pending_->end_ms) / 2);
    pending_->end_ms += pad_ms;
    segments.push_back(*pending_);
  }
  pending_ = TimeRange{raw.start_ms - pad_ms, raw.end_ms};
}

}  // namespace narralytica::transcript
