// The frames between the worker and the engine, and what they carry.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include "platform/inference/engine_wire.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "transcript/recognition_wire.hpp"

using namespace narralytica;

namespace {

// As a peer that writes these bytes and hangs up.
void Assemble(std::string_view bytes) {
  int ends[2];
  NRL_ASSERT(pipe(ends) == 0);
  const auto wrote = write(ends[1], bytes.data(), bytes.size());
  close(ends[1]);
  NRL_ASSERT(std::cmp_equal(wrote, bytes.size()));
  platform::FrameAssembler assembler;
  while (true) {
    const auto whole = assembler.ReadFrom(ends[0]);
    if (!whole) break;
    if (*whole) (void)assembler.Take();
  }
  close(ends[0]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kPipeBytes = 32'768;
  fuzz::Input input(data, size);
  const uint32_t kind = input.Below(3);
  if (kind == 0) {
    Assemble(input.Bytes(kPipeBytes));
    return 0;
  }
  const auto body = nlohmann::json::parse(input.Line(), nullptr, false);
  const std::string_view rest = input.Rest();
  const std::span payload(reinterpret_cast<const uint8_t*>(rest.data()), rest.size());
  if (kind == 1) (void)transcript::UnpackVadRequest(payload);
  if (kind == 2) (void)transcript::UnpackVadReply(payload);
  if (kind != 3) return 0;
  try {
    (void)transcript::UnpackTranscribe(body, payload);
  } catch (const nlohmann::json::exception&) {  // the engine's server answers kInvalid
  }
  return 0;
}
