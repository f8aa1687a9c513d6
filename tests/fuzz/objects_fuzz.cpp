// What is read back from the object store: the vectors and the words of a recording.
#include "base/hash.hpp"
#include "index/vectors.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "transcript/transcript_store.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // With the checksum that no fuzzer guesses.
  if (const auto vectors = index::DecodeVectors(std::string(bytes) + Sha256Hex(bytes))) {
    NRL_ASSERT(index::Validate(*vectors));
    NRL_ASSERT(vectors->values.size() == vectors->size() * vectors->dimension);
    NRL_ASSERT(index::DecodeVectors(index::EncodeVectors(*vectors)));
  }
  if (const auto words = transcript::DecodeWords(bytes)) {
    (void)transcript::EncodeWords(*words);
  }
  return 0;
}
