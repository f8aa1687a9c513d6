#include "access/page.hpp"

#include <sodium.h>

namespace narralytica::access {
namespace {

constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

}  // namespace

std::string EncodeCursor(std::string_view after) {
  if (after.empty()) return {};
  std::string cursor(sodium_base64_encoded_len(after.size(), kVariant), '\0');
  sodium_bin2base64(cursor.data(), cursor.size(),
                    reinterpret_cast<const unsigned char*>(after.data()), after.size(), kVariant);
  cursor.resize(cursor.size() - 1);  // its NUL
  return cursor;
}

Result<std::string> DecodeCursor(std::string_view cursor) {
  std::string after(cursor.size(), '\0');
  size_t bytes = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(after.data()), after.size(), cursor.data(),
                        cursor.size(), nullptr, &bytes, nullptr, kVariant) != 0 ||
      bytes == 0) {
    return Fail(ErrorCode::kInvalid, "the cursor is not one that this server gave",
                "begin again without a cursor");
  }
  after.resize(bytes);
  return after;
}

}  // namespace narralytica::access
