// Recordings for the tests of this module: those of samples/media, and WAV files made to order.
#pragma once

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numbers>
#include <string>
#include <vector>

#include "platform/file.hpp"

namespace narralytica::media {

// A frame of AAC at 44.1 kHz, in samples at 16 kHz: encoders fill the last one with silence.
inline constexpr int64_t kAacFrame = 1'024 * 16'000 / 44'100 + 1;

// Tests run in the root of the repository.
inline std::string Sample(const std::string& name) { return "samples/media/" + name; }

inline std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteAll(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

struct WavOptions {
  int channels = 1;
  int sample_rate = 16'000;
  // What the header says about the bytes of sound, when it is not the truth.
  int64_t stated_bytes = -1;
};

// 16-bit PCM; `samples` are interleaved.
inline std::string Wav(const std::vector<int16_t>& samples, const WavOptions& options = {}) {
  const auto data_bytes = static_cast<uint32_t>(samples.size() * 2);
  const auto stated =
      options.stated_bytes < 0 ? data_bytes : static_cast<uint32_t>(options.stated_bytes);
  std::string wav;
  const auto put = [&wav](auto value) {
    wav.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  wav += "RIFF";
  put(static_cast<uint32_t>(36 + stated));
  wav += "WAVEfmt ";
  put(uint32_t{16});
  put(uint16_t{1});
  put(static_cast<uint16_t>(options.channels));
  put(static_cast<uint32_t>(options.sample_rate));
  put(static_cast<uint32_t>(options.sample_rate * options.channels * 2));
  put(static_cast<uint16_t>(options.channels * 2));
  put(uint16_t{16});
  wav += "data";
  put(stated);
  wav.append(reinterpret_cast<const char*>(samples.data()), data_bytes);
  return wav;
}

// A tone at half of full scale.
inline std::vector<int16_t> Tone(double hertz, int sample_rate, size_t samples) {
  std::vector<int16_t> tone(samples);
  for (size_t i = 0; i < samples; ++i) {
    const double phase = 2 * std::numbers::pi * hertz * static_cast<double>(i) / sample_rate;
    tone[i] = static_cast<int16_t>(std::lround(16'384 * std::sin(phase)));
  }
  return tone;
}

}  // namespace narralytica::media
