// The peaks of any sound.
#include <nlohmann/json.hpp>
#include "media/waveform.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  media::Waveform waveform;
  std::vector<int16_t> samples;
  for (int pieces = 0; pieces < 64 && !input.empty(); ++pieces) {
    const uint32_t repeat = input.Take<uint16_t>();
    samples.assign(repeat, input.Take<int16_t>());
    waveform.Add(samples);
  }
  const auto document = nlohmann::json::parse(waveform.ToJson());
  NRL_ASSERT(document.is_object());
  return 0;
}
