#include "index/index.hpp"

namespace narralytica::index {

bool Filter::empty() const {
  return !video_id && language.empty() && source.empty() && !published_from && !published_until;
}

}  // namespace narralytica::index
