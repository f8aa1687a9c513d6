#include "transcript/recognition_wire.hpp"

#include <bit>
#include <cstring>

namespace narralytica::transcript {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "payloads are little endian");

constexpr size_t kStateBytes =
    sizeof(VadState::h) + sizeof(VadState::c) + sizeof(VadState::context);
constexpr int64_t kWindowSamplesMax = 30 * kSampleRate;
constexpr size_t kSpeechRangesMax = 1000;  // of one window

std::unexpected<Error> BadPayload(const char* op) {
  return Fail(ErrorCode::kInvalid, std::string("the payload of op '") + op + "' has a wrong size",
              "run the engine and its callers from the same release");
}

template <typename T>
void Append(std::vector<uint8_t>& bytes, std::span<const T> values) {
  const size_t old = bytes.size();
  bytes.resize(old + values.size_bytes());
  if (!values.empty()) std::memcpy(&bytes[old], values.data(), values.size_bytes());
}

template <typename T>
std::vector<T> Take(std::span<const uint8_t>& bytes, size_t count) {
  std::vector<T> values(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), count * sizeof(T));
  bytes = bytes.subspan(count * sizeof(T));
  return values;
}

void AppendState(std::vector<uint8_t>& bytes, const VadState& state) {
  Append<float>(bytes, state.h);
  Append<float>(bytes, state.c);
  Append<int16_t>(bytes, state.context);
}

VadState TakeState(std::span<const uint8_t>& bytes) {
  VadState state;
  const auto take = [&](auto& field) {
    std::memcpy(field.data(), bytes.data(), sizeof(field));
    bytes = bytes.subspan(sizeof(field));
  };
  take(state.h);
  take(state.c);
  take(state.context);
  return state;
}

}  // namespace

std::vector<uint8_t> PackVadRequest(const VadState& state, std::span<const int16_t> samples) {
  std::vector<uint8_t> bytes;
  bytes.reserve(kStateBytes + samples.size_bytes());
  AppendState(bytes, state);
  Append(bytes, samples);
  return bytes;
}

Result<std::pair<VadState, std::vector<int16_t>>> UnpackVadRequest(
    std::span<const uint8_t> payload) {
  constexpr size_t kFrameBytes = VadModel::kFrameSamples * sizeof(int16_t);
  if (payload.size() < kStateBytes || (payload.size() - kStateBytes) % kFrameBytes != 0) {
    return BadPayload("vad");
  }
  const VadState state = TakeState(payload);
  return std::pair(state, Take<int16_t>(payload, payload.size() / sizeof(int16_t)));
}

std::vector<uint8_t> PackVadReply(const VadState& state, std::span<const float> probabilities) {
  std::vector<uint8_t> bytes;
  AppendState(bytes, state);
  Append(bytes, probabilities);
  return bytes;
}

Result<std::pair<VadState, std::vector<float>>> UnpackVadReply(std::span<const uint8_t> payload) {
  if (payload.size() < kStateBytes || (payload.size() - kStateBytes) % sizeof(float) != 0) {
    return BadPayload("vad");
  }
  const VadState state = TakeState(payload);
  return std::pair(state, Take<float>(payload, payload.size() / sizeof(float)));
}

Json TranscribeBody(const std::string& model, const std::string& language,
                    const RecognitionBatch& batch) {
  Json windows = Json::array();
  for (size_t i = 0; i < batch.windows.size(); ++i) {
    Json speech = Json::array();
    const int64_t origin_ms = batch.windows[i].range.start_ms;
    for (const TimeRange& range : batch.windows[i].speech) {
      speech.push_back({range.start_ms - origin_ms, range.end_ms - origin_ms});
    }
    windows.push_back({{"samples", batch.samples[i].size()}, {"speech", std::move(speech)}});
  }
  return {{"model", model},
          {"language", language.empty() ? "auto" : language},
          {"language_prior", batch.prior},
          {"windows", std::move(windows)}};
}

std::vector<uint8_t> TranscribePayload(const RecognitionBatch& batch) {
  std::vector<uint8_t> bytes;
  for (const auto& samples : batch.samples) Append(bytes, samples);
  return bytes;
}

Result<TranscribeRequest> UnpackTranscribe(const Json& body, std::span<const uint8_t> payload) {
  TranscribeRequest request;
  request.model = body.at("model");
  request.language = body.at("language");
  if (request.language == "auto") request.language.clear();
  request.prior = body.at("language_prior").get<LanguagePrior>();
  const Json& windows = body.at("windows");
  if (windows.empty() || windows.size() > RecognitionBatch::kBatchWindowsMax) {
    return Fail(ErrorCode::kInvalid, "a recognition batch holds 1 to 8 windows");
  }
  for (const Json& window : windows) {
    const auto samples = window.at("samples").get<int64_t>();
    const Json& speech = window.at("speech");
    if (samples < 0 || samples > kWindowSamplesMax || speech.size() > kSpeechRangesMax) {
      return Fail(ErrorCode::kInvalid, "a recognition window is at most 30 s long");
    }
    if (size_t(samples) * sizeof(int16_t) > payload.size()) return BadPayload("transcribe");
    TranscribeRequest::Window& unpacked = request.windows.emplace_back();
    unpacked.samples = Take<int16_t>(payload, size_t(samples));
    for (const Json& range : speech) {
      unpacked.speech.push_back({range.at(0).get<int64_t>(), range.at(1).get<int64_t>()});
    }
  }
  if (!payload.empty()) return BadPayload("transcribe");
  return request;
}

}  // namespace narralytica::transcript
