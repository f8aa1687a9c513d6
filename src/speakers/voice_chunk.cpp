#include "speakers/voice_chunk.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace narralytica::speakers {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint32_t kRequestMagic = 0x5156524e;  // "NRVQ"
constexpr uint32_t kChunkMagic = 0x4356524e;    // "NRVC"
constexpr float kTop = 127;

class Writer {
 public:
  explicit Writer(uint32_t magic) { Put(magic); }
  template <typename T>
  void Put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(T));
  }
  template <typename T>
  void PutAll(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    Put(static_cast<uint64_t>(values.size()));
    const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
    bytes_.insert(bytes_.end(), bytes, bytes + values.size() * sizeof(T));
  }
  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

class Reader {
 public:
  Reader(std::span<const uint8_t> bytes, uint32_t magic) : bytes_(bytes) {
    whole_ = Get<uint32_t>() == magic;
  }
  template <typename T>
  T Get() {
    T value{};
    if (bytes_.size() < sizeof(T)) {
      whole_ = false;
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  template <typename T>
  std::vector<T> GetAll() {
    const uint64_t count = Get<uint64_t>();
    if (count > bytes_.size() / sizeof(T)) whole_ = false;
    if (!whole_) return {};
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), bytes_.data(), count * sizeof(T));
    bytes_ = bytes_.subspan(count * sizeof(T));
    return values;
  }
  bool whole() const { return whole_ && bytes_.empty(); }

 private:
  std::span<const uint8_t> bytes_;
  bool whole_ = true;
};

std::unexpected<Error> NotWhole() {
  return Fail(ErrorCode::kCorrupt, "these bytes are not what was heard of voices",
              "run the engine and its callers from the same release");
}

}  // namespace

PackedVoice PackedVoice::Of(const Voice& voice) {
  float most = 0;
  for (const float value : voice) most = std::max(most, std::abs(value));
  PackedVoice packed;
  if (most == 0) return packed;
  packed.scale = most / kTop;
  for (size_t i = 0; i < voice.size(); ++i) {
    packed.values[i] = static_cast<int8_t>(std::lround(voice[i] / packed.scale));
  }
  return packed;
}

float PackedVoice::Dot(const Voice& other) const {
  // Sixteen sums, so that the loop vectorises without reordering anything.
  std::array<float, 16> sums{};
  for (size_t i = 0; i < other.size(); i += sums.size()) {
    for (size_t j = 0; j < sums.size(); ++j) sums[j] += float(values[i + j]) * other[i + j];
  }
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum * scale;
}

std::vector<uint8_t> PackVoiceRequest(const VoiceRequest& request) {
  Writer writer(kRequestMagic);
  writer.Put(request.recording_samples);
  writer.Put(request.chunk);
  writer.Put(request.mean);
  writer.PutAll(request.carried.speaking);
  writer.PutAll(request.carried.alone);
  writer.PutAll(request.samples);
  return writer.Take();
}

Result<VoiceRequest> UnpackVoiceRequest(std::span<const uint8_t> bytes) {
  Reader reader(bytes, kRequestMagic);
  VoiceRequest request;
  request.recording_samples = reader.Get<int64_t>();
  request.chunk = reader.Get<int64_t>();
  request.mean = reader.Get<std::array<float, kFeatureBands>>();
  request.carried.speaking = reader.GetAll<float>();
  request.carried.alone = reader.GetAll<float>();
  request.samples = reader.GetAll<int16_t>();
  constexpr int64_t kSamplesMax = kSampleRate * 3'600 * 100;
  if (!reader.whole() || request.recording_samples < 0 || request.recording_samples > kSamplesMax) {
    return NotWhole();
  }
  const Grid grid(request.recording_samples);
  if (request.chunk < 0 || request.chunk >= grid.chunks()) return NotWhole();
  const ChunkPlan plan(grid, request.chunk);
  const bool fits = request.carried.speaking.size() == size_t(kCarriedFrames) &&
                    request.carried.alone.size() == size_t(kCarriedFrames) &&
                    std::ssize(request.samples) == plan.last_sample - plan.first_sample;
  if (!fits) return NotWhole();
  return request;
}

std::vector<uint8_t> PackVoiceChunk(const VoiceChunk& chunk) {
  Writer writer(kChunkMagic);
  writer.PutAll(chunk.windows);
  writer.PutAll(chunk.tracks);
  writer.PutAll(chunk.sliding);
  writer.PutAll(chunk.activity.speaking);
  writer.PutAll(chunk.activity.alone);
  return writer.Take();
}

Result<VoiceChunk> UnpackVoiceChunk(std::span<const uint8_t> bytes) {
  Reader reader(bytes, kChunkMagic);
  VoiceChunk chunk;
  chunk.windows = reader.GetAll<std::array<TrackVoice, kTracks>>();
  chunk.tracks = reader.GetAll<uint8_t>();
  chunk.sliding = reader.GetAll<SlidingVoice>();
  chunk.activity.speaking = reader.GetAll<float>();
  chunk.activity.alone = reader.GetAll<float>();
  const size_t frames =
      size_t(kBehindFrames + std::ssize(chunk.windows) * kStepFrames + kSharedFrames);
  const bool fits = !chunk.windows.empty() && chunk.windows.size() <= size_t(kChunkWindows) &&
                    chunk.tracks.size() == chunk.windows.size() * kWindowFrames * kTracks &&
                    chunk.activity.speaking.size() == frames &&
                    chunk.activity.alone.size() == frames;
  if (!reader.whole() || !fits) return NotWhole();
  return chunk;
}

}  // namespace narralytica::speakers
