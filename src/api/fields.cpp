#include "api/fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace narralytica::api {
namespace {

constexpr size_t kIdempotencyKeyBytesMax = 255;
constexpr int kJsonDepthMax = 32;

bool IsJson(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  std::erase_if(type, [](unsigned char c) { return std::isspace(c) != 0; });
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type == "application/json";
}

// Deeper nesting than anything here needs would cost the parser's callers their stack.
bool IsTooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kJsonDepthMax) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

std::vector<std::string> SplitCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t comma = std::min(text.find(','), text.size());
    parts.emplace_back(text.substr(0, comma));
    if (comma == text.size()) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::optional<int64_t> IntegerOf(const Json& value, bool from_query) {
  if (!from_query) {
    if (value.is_number_integer()) return value.get<int64_t>();
    if (!value.is_number_float()) return std::nullopt;
    const double real = value.get<double>();  // 3.0 is an integer to JSON Schema
    if (std::abs(real) > 9e15 || real != std::floor(real)) return std::nullopt;
    return static_cast<int64_t>(real);
  }
  const auto& text = value.get_ref<const std::string&>();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

Result<access::IdempotentRequest> ReadIdempotent(const Request& request, std::string operation) {
  if (!request.headers.contains("idempotency-key")) return access::IdempotentRequest{};
  const std::string& key = request.Header("idempotency-key");
  if (key.empty() || key.size() > kIdempotencyKeyBytesMax || !IsPrintableAscii(key)) {
    return Fail(InvalidField("Idempotency-Key", "Idempotency-Key is not right",
                             "it has 1 to 255 printable ASCII characters"));
  }
  return access::IdempotentRequest{std::move(operation), key,
                                   nlohmann::json::parse(request.body).dump()};
}

size_t CountCharacters(std::string_view utf8) {
  return static_cast<size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

// The characters of RFC 3986, section 2; others are percent-encoded.
bool IsUriText(std::string_view text) {
  const auto is_hex = [&](size_t at) {
    return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= ' ' || c >= 0x7F || std::string_view("\"<>\\^`{|}").contains(text[i])) return false;
    if (c == '%' && (!is_hex(i + 1) || !is_hex(i + 2))) return false;
  }
  return true;
}

TextRule HttpUrlRule() {
  const auto is_url = [](std::string_view text) {
    const size_t host = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
    return host > 0 && text.size() > host && text[host] != '/' && IsUriText(text);
  };
  return {.required = true,
          .characters_min = 10,
          .characters_max = 2'048,
          .form = is_url,
          .form_text = "be an http:// or https:// URL, special characters percent-encoded"};
}

bool IsPrintableAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~'; });
}

bool IsLanguage(std::string_view text) {
  bool first = true;
  while (true) {
    const size_t end = std::min(text.find('-'), text.size());
    const std::string_view part = text.substr(0, end);
    const bool fits = std::ranges::all_of(part, [&](unsigned char c) {
      return c < 0x80 && (first ? std::isalpha(c) : std::isalnum(c)) != 0;
    });
    if (!fits || part.size() > 8 || part.size() < (first ? 2 : 1)) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
    first = false;
  }
}

Fields Fields::OfQuery(const Request& request) {
  Json values = Json::object();
  for (const auto& [name, value] : request.query) values[name] = value;
  return {std::move(values), "", true, std::make_shared<Status>()};
}

Result<Fields> Fields::OfBody(const Request& request) {
  const std::string& type = request.Header("content-type");
  if (!IsJson(type)) {
    return Fail(Error{ErrorCode::kInvalid,
                      type.empty() ? "Content-Type is missing"
                                   : fmt::format("Content-Type is {}", type.substr(0, 100)),
                      "send application/json",
                      {},
                      "unsupported_media_type:Content-Type"});
  }
  if (IsTooDeep(request.body)) {
    return Fail(ErrorCode::kInvalid, "the body is nested too deeply",
                fmt::format("at most {} levels", kJsonDepthMax));
  }
  Json values = Json::parse(request.body, nullptr, false);
  if (!values.is_object()) {
    return Fail(ErrorCode::kInvalid, "the body is not a JSON object", "send one in UTF-8");
  }
  return Fields(std::move(values), "", false, std::make_shared<Status>());
}

void Fields::Problem(Error error) {
  if (*problem_) *problem_ = Fail(std::move(error));
}

void Fields::Missing(std::string_view name) { Problem(MissingField(FullName(name))); }

void Fields::Wrong(std::string_view name, std::string_view must) {
  const std::string full = FullName(name);
  Problem(
      InvalidField(full, fmt::format("{} is not right", full), fmt::format("it must {}", must)));
}

bool Fields::Has(std::string_view name) const { return values_.contains(std::string(name)); }

const Json* Fields::Find(std::string_view name) {
  asked_.emplace(name);
  const auto found = values_.find(std::string(name));
  return found == values_.end() ? nullptr : &*found;
}

std::string Fields::Text(std::string_view name, const TextRule& rule) {
  const Json* value = Find(name);
  if (value == nullptr) {
    if (rule.required) Missing(name);
    return {};
  }
  if (!value->is_string()) {
    Wrong(name, "be a text");
    return {};
  }
  auto text = value->get<std::string>();
  const size_t characters = CountCharacters(text);
  if (characters < rule.characters_min || characters > rule.characters_max) {
    Wrong(name, fmt::format("have {} to {} characters", rule.characters_min, rule.characters_max));
  } else if (text.contains('\0')) {
    Wrong(name, "have no NUL");
  } else if (!rule.blank_allowed && text.find_first_not_of(" \t\r\n\v\f") == std::string::npos) {
    Wrong(name, "have something to read in it");
  } else if (rule.form != nullptr && !rule.form(text)) {
    Wrong(name, rule.form_text);
  } else {
    return text;
  }
  return {};
}

int64_t Fields::Integer(std::string_view name, IntegerRange range, int64_t otherwise) {
  const Json* value = Find(name);
  if (value == nullptr) return otherwise;
  const auto number = IntegerOf(*value, from_query_);
  if (number && *number >= range.min && *number <= range.max) return *number;
  Wrong(name, fmt::format("be a whole number from {} to {}", range.min, range.max));
  return otherwise;
}

std::optional<bool> Fields::Flag(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  if (from_query_ && (*value == "true" || *value == "false")) return *value == "true";
  Wrong(name, "be true or false");
  return std::nullopt;
}

std::string Fields::Choice(std::string_view name, std::initializer_list<std::string_view> choices,
                           std::string_view otherwise) {
  const Json* value = Find(name);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) {
    auto text = value->get<std::string>();
    if (std::ranges::find(choices, text) != choices.end()) return text;
  }
  Wrong(name, fmt::format("be one of {}", fmt::join(choices, ", ")));
  return std::string(otherwise);
}

std::vector<std::string> Fields::Texts(std::string_view name, size_t count_max) {
  const Json* value = Find(name);
  if (value == nullptr) return {};
  std::vector<std::string> texts;
  if (from_query_) {
    texts = SplitCommas(value->get<std::string>());
  } else if (value->is_array() && value->size() <= count_max) {
    for (const Json& item : *value) {
      if (item.is_string()) texts.push_back(item.get<std::string>());
    }
  }
  const bool all_texts = from_query_ || (value->is_array() && texts.size() == value->size());
  const std::set<std::string> different(texts.begin(), texts.end());
  if (!all_texts || texts.size() > count_max || different.size() != texts.size()) {
    Wrong(name, fmt::format("be a list of at most {} different texts", count_max));
    return {};
  }
  return texts;
}

std::vector<std::string> Fields::Choices(std::string_view name,
                                         std::initializer_list<std::string_view> choices) {
  std::vector<std::string> texts = Texts(name, choices.size());
  const bool known = std::ranges::all_of(texts, [&](const std::string& text) {
    return std::ranges::find(choices, text) != choices.end();
  });
  if (known) return texts;
  Wrong(name, fmt::format("be some of {}", fmt::join(choices, ", ")));
  return {};
}

std::string Fields::IdText(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return {};
  std::string text = value->is_string() ? value->get<std::string>() : std::string();
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (IsUuid(text)) return text;
  Wrong(name, "be an id, like 0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e0f");
  return {};
}

std::optional<UtcMs> Fields::Time(std::string_view name, bool nullable) {
  const Json* value = Find(name);
  if (value == nullptr || (nullable && value->is_null())) return std::nullopt;
  const auto time = value->is_string() ? ParseRfc3339(value->get<std::string>())
                                       : Result<UtcMs>(Fail(ErrorCode::kInvalid, ""));
  if (time) return *time;
  Wrong(name, "be a date or an RFC 3339 time");
  return std::nullopt;
}

access::PageRequest Fields::Page() {
  access::PageRequest page;
  page.limit = static_cast<int>(Integer("limit", {1, access::kPageLimitMax}, page.limit));
  page.offset = static_cast<int>(Integer("offset", {0, access::kPageOffsetMax}, 0));
  const std::string cursor = Text("cursor", {.characters_max = 512});
  if (cursor.empty()) return page;
  auto after = access::DecodeCursor(cursor);
  if (after && !after->contains('\0')) {
    page.after = std::move(*after);
    page.offset = 0;
  } else {
    Wrong("cursor", "be the next_cursor of an earlier page");
  }
  return page;
}

Fields Fields::Object(std::string_view name, bool required) {
  const Json* value = Find(name);
  const std::string path = FullName(name) + ".";
  if (value != nullptr && value->is_object()) return {*value, path, from_query_, problem_};
  if (value != nullptr) Wrong(name, "be an object");
  if (value == nullptr && required) Missing(name);
  return {Json::object(), path, from_query_, problem_};
}

Json Fields::FreeObject(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return Json::object();
  if (value->is_object()) return *value;
  Wrong(name, "be an object");
  return Json::object();
}

Status Fields::End() const {
  if (!*problem_ || from_query_) return *problem_;
  for (const auto& [name, value] : values_.items()) {
    if (asked_.contains(name)) continue;
    const std::string full = FullName(name).substr(0, 100);
    return Fail(
        InvalidField(full, fmt::format("{} is not a field of this request", full), "leave it out"));
  }
  return {};
}

}  // namespace narralytica::api
