// What the header of a WAV file (RIFF, 1991) says about its length. libav forgets it and goes by
// the length of the file, so that a recording which a full disk or a broken upload cut off would
// pass for a whole one. Private to the media child.
#pragma once

#include <cstdint>
#include <optional>

namespace narralytica::media {

// In ms, of the file that begins at `base` of `fd`. Absent for what is no such file, for a header
// that makes no sense, and for the sizes that recorders write when they do not know (0, and those
// near 2^31 and 2^32).
std::optional<int64_t> StatedWavMs(int fd, int64_t base);

}  // namespace narralytica::media
