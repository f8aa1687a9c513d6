// What people type into the search box.
#include "search/query.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace narralytica;

namespace {

size_t CheckedDepth(const search::QueryNode& node) {
  using Kind = search::QueryNode::Kind;
  size_t deepest = 0;
  for (const search::QueryNode& part : node.parts) deepest = std::max(deepest, CheckedDepth(part));
  if (node.kind == Kind::kNot) NRL_ASSERT(node.parts.size() == 1);
  if (node.kind == Kind::kWord || node.kind == Kind::kPrefix) NRL_ASSERT(!node.text.empty());
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto query = search::ParseQuery({reinterpret_cast<const char*>(data), size});
  if (!query) {
    NRL_ASSERT(!query.error().message.empty());
    return 0;
  }
  // Each level of parentheses may hold an OR of ANDs of lists.
  NRL_ASSERT(CheckedDepth(query->root) <= 5 * (search::kQueryDepthMax + 1));
  return 0;
}
