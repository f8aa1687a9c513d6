// Strong ids: a UUIDv7 (RFC 9562) that cannot be mistaken for another entity's.
//
// The text form is 36 lower-case characters; ids sort by the millisecond they were made in.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/environment.hpp"
#include "base/result.hpp"

namespace narralytica {

// A fresh UUIDv7 in text form.
std::string NewUuid(Environment environment);
// True for 36 characters of hexadecimal digits and hyphens in UUID shape, lower case.
bool IsUuid(std::string_view text);

template <typename Tag>
class Id {
 public:
  Id() = default;
  static Id New(Environment environment) { return Id(NewUuid(environment)); }
  // For values that Narralytica itself wrote.
  static Id FromTrusted(std::string text) { return Id(std::move(text)); }
  // For values from outside; kNotFound when it has not the shape of an id, since no such thing
  // can exist.
  static Result<Id> Parse(std::string_view text) {
    if (!IsUuid(text)) {
      return Fail(
          ErrorCode::kNotFound,
          std::string(Tag::kName) + " '" + std::string(text.substr(0, 64)) + "' does not exist",
          "an id looks like 0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e0f");
    }
    return Id(std::string(text));
  }

  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  explicit Id(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

#define NRL_ID(type, name)                     \
  struct type##Tag {                           \
    static constexpr const char* kName = name; \
  };                                           \
  using type = ::narralytica::Id<type##Tag>

NRL_ID(TenantId, "tenant");
NRL_ID(SourceId, "source");
NRL_ID(VideoId, "video");
NRL_ID(ArtifactId, "artifact");
NRL_ID(TranscriptId, "transcript");
NRL_ID(SegmentId, "segment");
NRL_ID(SpeakerId, "speaker");
NRL_ID(PersonId, "person");
NRL_ID(JobId, "job");
NRL_ID(RunId, "run");
NRL_ID(WorkerId, "worker");

}  // namespace narralytica

template <typename Tag>
struct std::hash<narralytica::Id<Tag>> {
  size_t operator()(const narralytica::Id<Tag>& id) const {
    return std::hash<std::string>{}(id.str());
  }
};
