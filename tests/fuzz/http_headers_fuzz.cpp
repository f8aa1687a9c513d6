// Headers and parts of addresses that the API reads itself.
#include "api/content.hpp"
#include "api/fields.hpp"
#include "base/utf8.hpp"
#include "source/uploads.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const int64_t bytes = input.Take<uint32_t>();
  const std::string text(input.Rest());
  if (const auto range = api::ParseRange(text, bytes); range && *range) {
    const auto [first, length] = **range;
    NRL_ASSERT(first >= 0 && length > 0 && first <= bytes - length);
  }
  (void)api::Matches(text, "\"0123\"");
  NRL_ASSERT(!api::AttachmentDisposition(text).contains('\n'));
  (void)api::IsLanguage(text);
  (void)api::PercentDecode(text, true);
  if (const auto target = api::ParseTarget(text)) NRL_ASSERT(target->path.starts_with('/'));
  api::Request request;
  request.headers["cookie"] = text;
  (void)request.Cookie("narralytica_session");
  if (const auto values = source::ParseUploadMetadata(text)) {
    const auto again = source::ParseUploadMetadata(source::FormatUploadMetadata(*values));
    NRL_ASSERT(again && *again == *values);
  }
  return 0;
}
