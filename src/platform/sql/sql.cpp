#include "platform/sql/sql.hpp"

#include "base/utf8.hpp"

namespace narralytica::platform {

const SqlValue& Row::At(size_t column) const {
  NRL_ASSERT(column < columns_.size());
  return columns_[column];
}

int64_t Row::Int(size_t column) const {
  const auto* value = std::get_if<int64_t>(&At(column).variant());
  NRL_ASSERT(value != nullptr);
  return *value;
}

double Row::Real(size_t column) const {
  if (const auto* whole = std::get_if<int64_t>(&At(column).variant())) {
    return static_cast<double>(*whole);
  }
  const auto* value = std::get_if<double>(&At(column).variant());
  NRL_ASSERT(value != nullptr);
  return *value;
}

const std::string& Row::Text(size_t column) const {
  const auto* value = std::get_if<std::string>(&At(column).variant());
  NRL_ASSERT(value != nullptr);
  return *value;
}

const Blob& Row::Bytes(size_t column) const {
  const auto* value = std::get_if<Blob>(&At(column).variant());
  NRL_ASSERT(value != nullptr);
  return *value;
}

std::optional<int64_t> Row::MaybeInt(size_t column) const {
  if (IsNull(column)) return std::nullopt;
  return Int(column);
}

std::optional<double> Row::MaybeReal(size_t column) const {
  if (IsNull(column)) return std::nullopt;
  return Real(column);
}

std::optional<std::string> Row::MaybeText(size_t column) const {
  if (IsNull(column)) return std::nullopt;
  return Text(column);
}

Status CheckTexts(const SqlParams& params) {
  for (const SqlValue& param : params) {
    const auto* text = std::get_if<std::string>(&param.variant());
    if (text == nullptr) continue;
    if (text->find('\0') != std::string::npos || !IsUtf8(*text)) {
      return Fail(ErrorCode::kInvalid, "a text is not UTF-8 or holds a NUL character",
                  "give it as UTF-8 without NUL characters");
    }
  }
  return {};
}

}  // namespace narralytica::platform
