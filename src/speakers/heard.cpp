#include "speakers/heard.hpp"

#include <algorithm>

namespace narralytica::speakers {

void Heard::Append(const VoiceChunk& chunk) {
  const ChunkPlan plan(grid_, chunks_++);
  windows_.insert(windows_.end(), chunk.windows.begin(), chunk.windows.end());
  tracks_.insert(tracks_.end(), chunk.tracks.begin(), chunk.tracks.end());
  sliding_.insert(sliding_.end(), chunk.sliding.begin(), chunk.sliding.end());
  // From the chunk's first window on; what the next one adds to is put right by its own sums.
  speaking_.resize(size_t(plan.first_window * kStepFrames));
  speaking_.insert(speaking_.end(), chunk.activity.speaking.begin() + kBehindFrames,
                   chunk.activity.speaking.end());
  const auto last = [](const std::vector<float>& sums) {
    return std::vector<float>(sums.end() - kCarriedFrames, sums.end());
  };
  carried_ = {last(chunk.activity.speaking), last(chunk.activity.alone)};
}

float Heard::Speaking(int64_t frame) const {
  if (frame >= std::ssize(speaking_)) return 0;
  return speaking_[size_t(frame)] / float(std::max<int64_t>(1, grid_.Covering(frame)));
}

}  // namespace narralytica::speakers
