// A decoded picture made ready to be shown: scaled, upright, JPEG. Private to the media child.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "media/av.hpp"

namespace narralytica::media {

// Planar 4:2:0, full range, even width and height.
struct Picture {
  int width = 0;
  int height = 0;
  AvPtr<AVFrame> frame;
};

// Square pixels, at most 640 wide and 1280 high, turned clockwise by `rotation_degrees` (0, 90,
// 180, 270). media_decode_failed for what cannot be scaled, media_resource.
Result<Picture> MakePicture(const AVFrame& decoded, AVRational pixel_aspect,
                            int64_t rotation_degrees);

// Standard deviation of the luma, 0..128: near 0 for a black, white or otherwise blank picture.
double Contrast(const Picture& picture);

// The same picture gives the same bytes.
Result<std::vector<uint8_t>> EncodeJpeg(const Picture& picture);

}  // namespace narralytica::media
