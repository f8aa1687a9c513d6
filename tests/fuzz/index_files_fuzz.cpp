// The files of an index that a crash or a disk may have damaged. Checksums are mended first, since
// no fuzzer guesses them.
#include "index/embedded/crc32c.hpp"
#include "index/embedded/manifest.hpp"
#include "index/embedded/vector_block.hpp"
#include "index/index.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace narralytica::index {
Result<FoundSegment> DecodeFoundSegment(std::string_view data);  // of words.hpp, which has Xapian
}  // namespace narralytica::index

using namespace narralytica;

namespace {

void ReadManifest(std::string_view bytes) {
  std::string mended(bytes);
  const uint32_t crc = index::Crc32c(bytes);
  mended.append(reinterpret_cast<const char*>(&crc), sizeof crc);
  const auto manifest = index::DecodeManifest(mended);
  if (!manifest) return;
  const auto again = index::DecodeManifest(index::EncodeManifest(*manifest));
  NRL_ASSERT(again && again->runs.size() == manifest->runs.size());
  for (const index::Run& run : manifest->runs) {
    NRL_ASSERT(run.tenant < manifest->tenants.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const uint32_t kind = input.Below(2);
  if (kind == 0) ReadManifest(input.Rest());
  if (kind == 1) (void)index::DecodeFoundSegment(input.Rest());
  if (kind != 2) return 0;
  const uint32_t rows = input.Take<uint16_t>();
  const uint32_t dimension = input.Take<uint16_t>();
  alignas(64) uint8_t aligned[4'096]{};
  const std::string_view bytes = input.Bytes(sizeof aligned);
  std::memcpy(aligned, bytes.data(), bytes.size());
  const auto view = index::ViewSection({aligned, bytes.size()}, rows, dimension);
  if (view) NRL_ASSERT(view->languages.size() == rows);
  return 0;
}
