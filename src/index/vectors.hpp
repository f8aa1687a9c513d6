// The sentence vectors of one recording: the canonical object that the index is rebuilt from.
//
// One object per (video, model hash) in the object store, so that a rebuild never runs a model.
// Its bytes are docs/formats/vectors.md. Values are quantised per vector: int8 with one float
// scale, value = integer * scale; this costs at most .002 nDCG against float32.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace narralytica::index {

inline constexpr uint32_t kVectorDimensionMax = 4096;
inline constexpr uint32_t kVectorsPerVideoMax = 200'000;

struct VideoVectors {
  std::string model;       // "e5-small"
  std::string model_hash;  // 64 hexadecimal characters; vectors of two hashes never meet
  uint32_t dimension = 0;
  std::vector<float> scales;   // one per vector, >= 0; 0 is the vector of an empty text
  std::vector<int8_t> values;  // scales.size() * dimension, row by row

  size_t size() const { return scales.size(); }
  std::span<const int8_t> row(size_t i) const {
    return std::span(values).subspan(i * dimension, dimension);
  }
  bool operator==(const VideoVectors&) const = default;
};

// Appends `vector` (dimension floats, finite) to `to`, quantised by its largest component.
void AppendQuantized(std::span<const float> vector, VideoVectors& to);

// kInvalid when sizes disagree, a limit is passed, or the hash has not its shape.
Status Validate(const VideoVectors& vectors);

std::string EncodeVectors(const VideoVectors& vectors);
// kCorrupt when the bytes are not exactly one valid object.
Result<VideoVectors> DecodeVectors(std::string_view bytes);

}  // namespace narralytica::index
