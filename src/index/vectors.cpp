#include "index/vectors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/hash.hpp"

namespace narralytica::index {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr std::string_view kMagic = "NRLV";
constexpr uint32_t kVersion = 1;
constexpr size_t kHashHexBytes = 64;
constexpr size_t kModelBytesMax = 64;
constexpr const char* kHint = "embed the recording again: `narralytica index rebuild`";

void AppendU32(std::string& out, uint32_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool IsHash(std::string_view text) {
  return text.size() == kHashHexBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::unexpected<Error> Corrupt(std::string cause) {
  return Fail(ErrorCode::kCorrupt, "the stored vectors of a recording are damaged", kHint,
              std::move(cause));
}

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : left_(bytes) {}
  bool Take(size_t count, std::string_view& out) {
    if (left_.size() < count) return false;
    out = left_.substr(0, count);
    left_.remove_prefix(count);
    return true;
  }
  bool TakeU32(uint32_t& out) {
    std::string_view bytes;
    if (!Take(sizeof out, bytes)) return false;
    std::memcpy(&out, bytes.data(), sizeof out);
    return true;
  }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view left_;
};

}  // namespace

void AppendQuantized(std::span<const float> vector, VideoVectors& to) {
  NRL_ASSERT(vector.size() == to.dimension);
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::fabs(value));
  NRL_ASSERT(std::isfinite(largest));
  const float scale = largest / 127;
  to.scales.push_back(scale);
  for (const float value : vector) {
    const float scaled = scale > 0 ? std::nearbyint(value / scale) : 0;
    to.values.push_back(static_cast<int8_t>(std::clamp(scaled, -127.0f, 127.0f)));
  }
}

Status Validate(const VideoVectors& vectors) {
  const auto invalid = [](std::string message) {
    return Fail(ErrorCode::kInvalid, std::move(message));
  };
  if (!IsHash(vectors.model_hash)) return invalid("the vectors' model hash is not a sha256");
  if (vectors.model.empty() || vectors.model.size() > kModelBytesMax) {
    return invalid("the vectors' model name must have 1 to 64 bytes");
  }
  if (vectors.dimension == 0 || vectors.dimension > kVectorDimensionMax) {
    return invalid("the vectors' dimension must be 1 to 4096");
  }
  if (vectors.size() > kVectorsPerVideoMax) return invalid("a recording has too many vectors");
  if (vectors.values.size() != vectors.size() * vectors.dimension) {
    return invalid("the vectors' values do not fit their count and dimension");
  }
  const bool scales_ok = std::all_of(vectors.scales.begin(), vectors.scales.end(),
                                     [](float s) { return std::isfinite(s) && s >= 0; });
  if (!scales_ok) return invalid("a vector's scale is not a finite number of at least 0");
  return {};
}

std::string EncodeVectors(const VideoVectors& vectors) {
  NRL_ASSERT(Validate(vectors).has_value());
  std::string out(kMagic);
  AppendU32(out, kVersion);
  out += vectors.model_hash;
  AppendU32(out, static_cast<uint32_t>(vectors.model.size()));
  out += vectors.model;
  AppendU32(out, vectors.dimension);
  AppendU32(out, static_cast<uint32_t>(vectors.size()));
  out.append(reinterpret_cast<const char*>(vectors.scales.data()), vectors.size() * sizeof(float));
  out.append(reinterpret_cast<const char*>(vectors.values.data()), vectors.values.size());
  return out + Sha256Hex(out);
}

Result<VideoVectors> DecodeVectors(std::string_view bytes) {
  if (bytes.size() < kHashHexBytes) return Corrupt("shorter than a checksum");
  const std::string_view content = bytes.substr(0, bytes.size() - kHashHexBytes);
  if (Sha256Hex(content) != bytes.substr(content.size())) return Corrupt("checksum differs");

  Cursor cursor(content);
  VideoVectors vectors;
  std::string_view part;
  uint32_t number = 0;
  if (!cursor.Take(kMagic.size(), part) || part != kMagic) return Corrupt("no magic");
  if (!cursor.TakeU32(number) || number != kVersion) return Corrupt("another version");
  if (!cursor.Take(kHashHexBytes, part)) return Corrupt("no model hash");
  vectors.model_hash = part;
  if (!cursor.TakeU32(number) || !cursor.Take(number, part)) return Corrupt("no model name");
  vectors.model = part;
  if (!cursor.TakeU32(vectors.dimension) || !cursor.TakeU32(number)) return Corrupt("no counts");
  if (vectors.dimension > kVectorDimensionMax || number > kVectorsPerVideoMax) {
    return Corrupt("counts beyond the limits");
  }
  if (!cursor.Take(number * sizeof(float), part)) return Corrupt("scales cut off");
  vectors.scales.resize(number);
  std::ranges::copy(part, reinterpret_cast<char*>(vectors.scales.data()));
  if (!cursor.Take(size_t{number} * vectors.dimension, part)) return Corrupt("values cut off");
  vectors.values.assign(part.begin(), part.end());
  if (!cursor.empty()) return Corrupt("bytes left over");
  if (const Status valid = Validate(vectors); !valid) return Corrupt(valid.error().message);
  return vectors;
}

}  // namespace narralytica::index
