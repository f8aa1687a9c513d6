// What the media child says, and what it is told.
#include <nlohmann/json.hpp>
#include "media/media_warning.hpp"
#include "media/protocol.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = media::DecodeRequest(text)) {
    const auto again = media::DecodeRequest(media::Encode(*request));
    NRL_ASSERT(again && again->limits == request->limits && again->range == request->range);
  }
  const media::MediaLimits limits;
  const auto event = media::DecodeEvent(text);
  if (!event) return 0;
  NRL_ASSERT(event->progress.has_value() + event->error.has_value() + event->result.has_value() ==
             1);
  if (!event->result) return 0;
  (void)media::DecodePoster(*event->result);
  (void)media::DecodeSamples(*event->result);
  if (const auto info = media::DecodeInfo(*event->result, limits)) {
    NRL_ASSERT(std::ssize(info->streams) <= limits.streams_max);
    const auto again = media::DecodeInfo(media::ToJson(*info).dump(), limits);
    NRL_ASSERT(again && *again == *info);
  }
  if (const auto prepared = media::DecodePrepared(*event->result, limits)) {
    for (const std::string& code : prepared->warnings) NRL_ASSERT(media::WarningMessage(code));
  }
  return 0;
}
