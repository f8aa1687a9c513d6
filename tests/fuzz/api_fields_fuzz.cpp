// The fields of a request's body and address, and its idempotency key.
#include "api/fields.hpp"
#include "base/id.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

namespace {

void ReadEverything(api::Fields fields) {
  (void)fields.Text("text", {.required = true, .characters_max = 20, .blank_allowed = false});
  (void)fields.Text("url", api::HttpUrlRule());
  const int64_t integer = fields.Integer("integer", {1, 100}, 7);
  const auto page = fields.Page();
  (void)fields.Flag("flag");
  (void)fields.Choice("choice", {"a", "b"}, "a");
  (void)fields.Choices("choices", {"a", "b"});
  NRL_ASSERT(fields.Texts("texts", 3).size() <= 3 || !fields.End());
  (void)fields.MaybeId<VideoId>("id");
  (void)fields.Time("time", true);
  api::Fields inner = fields.Object("object");
  (void)inner.Text("text");
  (void)fields.FreeObject("free");
  if (!fields.End()) return;
  NRL_ASSERT(integer >= 1 && integer <= 100);
  NRL_ASSERT(page.limit >= 1 && page.limit <= access::kPageLimitMax && page.offset >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  api::Request request;
  request.headers["content-type"] = "application/json";
  request.headers["idempotency-key"] = std::string(input.Line());
  if (const auto target = api::ParseTarget(input.Line())) {
    request.query = target->query;
    ReadEverything(api::Fields::OfQuery(request));
  }
  request.body = std::string(input.Rest());
  auto body = api::Fields::OfBody(request);
  if (!body) return 0;
  (void)api::ReadIdempotent(request, "ingest");
  ReadEverything(std::move(*body));
  return 0;
}
