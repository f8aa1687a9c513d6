// The twin: a parser that trusts a length. Running it must find the overflow.
#include "tests/fuzz/fuzz_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  narralytica::fuzz::Input input(data, size);
  if (input.Bytes(2) != "NR") return 0;
  char fixed[16];
  const size_t count = input.Take<uint8_t>();
  const std::string_view text = input.Rest();
  // The fault: `count` is believed.
  for (size_t i = 0; i < count && i < text.size(); ++i) fixed[i] = text[i];
  volatile char kept = fixed[0];
  (void)kept;
  return 0;
}
