// What a request gives, checked: the fields of a JSON body, or the parameters of a query.
//
//   Fields fields = ...;
//   std::string name = fields.Text("name", {.required = true, .characters_max = 100});
//   int limit = fields.Integer("limit", {1, 100}, 20);
//   NRL_CHECK(fields.End());   // the first problem, with the name of its field
//
// A getter gives the default when its field is absent or wrong; End tells about both, and about
// fields of a body that nobody asked for. Not thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "access/idempotency.hpp"
#include "access/page.hpp"
#include "api/http.hpp"
#include "base/id.hpp"
#include "base/time.hpp"

namespace narralytica::api {

struct TextRule {
  bool required = false;
  size_t characters_min = 1;  // Unicode code points
  size_t characters_max = 1'000;
  bool blank_allowed = true;
  bool (*form)(std::string_view) = nullptr;  // what more it must be; then `form_text` says what
  std::string_view form_text = {};
};

struct IntegerRange {
  int64_t min = 0;
  int64_t max = INT64_MAX;
};

class Fields {
 public:
  // The parameters of the address; unknown ones are ignored.
  static Fields OfQuery(const Request& request);
  // The body: one JSON object, unknown fields are problems. kInvalid for another content type
  // (reason "unsupported_media_type") and for what is not JSON.
  static Result<Fields> OfBody(const Request& request);

  bool Has(std::string_view name) const;
  std::string Text(std::string_view name, const TextRule& rule = {});
  int64_t Integer(std::string_view name, IntegerRange range, int64_t otherwise);
  std::optional<bool> Flag(std::string_view name);
  std::string Choice(std::string_view name, std::initializer_list<std::string_view> choices,
                     std::string_view otherwise = {});
  // Comma-separated, or a JSON array.
  std::vector<std::string> Choices(std::string_view name,
                                   std::initializer_list<std::string_view> choices);
  std::vector<std::string> Texts(std::string_view name, size_t count_max);
  template <typename Id>
  std::optional<Id> MaybeId(std::string_view name) {
    const std::string text = IdText(name);
    return text.empty() ? std::nullopt : std::optional(Id::FromTrusted(text));
  }
  std::optional<UtcMs> Time(std::string_view name, bool nullable = false);
  // limit, offset and cursor.
  access::PageRequest Page();
  // The object in a field; without it, one without fields.
  Fields Object(std::string_view name, bool required = false);
  // Any object, as it is.
  Json FreeObject(std::string_view name);

  // Tells a problem of the caller's own finding.
  void Problem(Error error);
  void Missing(std::string_view name);
  // The first problem, or else a field that was not asked for.
  Status End() const;

 private:
  Fields(Json values, std::string path, bool from_query, std::shared_ptr<Status> problem)
      : values_(std::move(values)),
        path_(std::move(path)),
        from_query_(from_query),
        problem_(std::move(problem)) {}
  // Null when absent.
  const Json* Find(std::string_view name);
  std::string IdText(std::string_view name);
  std::string FullName(std::string_view name) const { return path_ + std::string(name); }
  void Wrong(std::string_view name, std::string_view must);

  Json values_;
  std::string path_;  // "filters."
  bool from_query_;
  std::shared_ptr<Status> problem_;  // shared with inner objects
  std::set<std::string, std::less<>> asked_;
};

// The request's Idempotency-Key and what it stands for; an empty key when there is none. The body
// was read as JSON before.
Result<access::IdempotentRequest> ReadIdempotent(const Request& request, std::string operation);

size_t CountCharacters(std::string_view utf8);
bool IsPrintableAscii(std::string_view text);
// HttpUrl of the contract, required.
TextRule HttpUrlRule();
// BCP 47 as the contract has it.
bool IsLanguage(std::string_view text);

}  // namespace narralytica::api
