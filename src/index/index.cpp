#include "index/index.hpp"

namespace narralytica::index {

bool Filter::empty() const {
  return !video_id && language.empty() && source.empty() && !speaker_id && speaker.empty() &&
         !published_from && !published_until;
}

}  // namespace narralytica::index
