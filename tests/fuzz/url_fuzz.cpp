// Addresses from users, feeds and redirects, and what is told of them.
#include "platform/http/url.hpp"
#include "source/address_rules.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const std::string first(input.Line());
  const std::string second(input.Rest());
  if (const auto url = platform::ParseUrl(first)) {
    const auto again = platform::ParseUrl(url->text);
    NRL_ASSERT(again && again->host == url->host && again->scheme == url->scheme &&
               again->port == url->port);
    if (const auto address = source::IpAddress::Parse(url->host)) {
      (void)source::CheckAddress(*address, {});
    }
    if (const auto target = platform::ResolveUrl(url->text, second)) {
      NRL_ASSERT(platform::ParseUrl(*target));
    }
  }
  (void)platform::DecodeUrlPart(first);
  (void)platform::ParseInternetDate(first);
  if (const auto range = source::AddressRange::Parse(first)) {
    NRL_ASSERT(range->Contains(range->first));
  }
  return 0;
}
