#include "search/cursor.hpp"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "base/id.hpp"

namespace narralytica::search {
namespace {

constexpr std::string_view kVersion = "1";
constexpr size_t kCursorBytesMax = 256;

template <typename T>
bool Parse(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string EncodeCursor(const Cursor& cursor) {
  return fmt::format("{}.{}.{}.{}.{}", kVersion, cursor.search, cursor.offset, cursor.video_id,
                     cursor.segment_index);
}

Result<Cursor> DecodeCursor(std::string_view text, std::string_view search) {
  const auto invalid = [](std::string message) {
    return Fail(ErrorCode::kInvalid, std::move(message), "start again without a cursor");
  };
  if (text.size() > kCursorBytesMax) return invalid("the cursor is not one of ours");
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  Cursor cursor;
  const bool shaped = parts.size() == 5 && parts[0] == kVersion && Parse(parts[2], cursor.offset) &&
                      cursor.offset > 0 && IsUuid(parts[3]) &&
                      Parse(parts[4], cursor.segment_index);
  if (!shaped) return invalid("the cursor is not one of ours");
  if (parts[1] != search) return invalid("the cursor belongs to another search");
  cursor.search = parts[1];
  cursor.video_id = parts[3];
  return cursor;
}

}  // namespace narralytica::search
