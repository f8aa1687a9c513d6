// What people see of people: lists and profiles, over the current diarizations of recordings that
// are there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/page.hpp"
#include "access/tx.hpp"
#include "base/time.hpp"

namespace narralytica::speakers {

struct Person {
  PersonId id;
  std::optional<std::string> name;  // none: an unknown voice
  std::string consent;
  int64_t videos_count = 0;
  int64_t speakers_count = 0;
  int64_t voiceprints_count = 0;
  int64_t speech_ms = 0;
  std::optional<UtcMs> first_seen_at, last_seen_at;  // publication, or else intake
  int64_t revision = 1;
  UtcMs created_at, updated_at;
};

struct PeopleFilter {
  std::string q;      // part of the name, whatever its case; "": all
  std::string state;  // "named", "unknown", "": both
};

// Newest first. Neither people who were merged or erased nor unknown voices that nobody has.
Result<access::Page<Person>> ListPeople(access::Tx& tx, const PeopleFilter& filter,
                                        const access::PageRequest& page);
// kNotFound also for those who were merged; LivePerson (people.hpp) finds their other.
Result<Person> GetPerson(access::Tx& tx, const PersonId& person);

struct Appearance {
  VideoId video;
  std::string title;
  std::optional<UtcMs> published_at;
  SpeakerId speaker;
  std::string label;
  int64_t speech_ms = 0;
  std::string how;  // "match" | "person"
  std::optional<double> score;
  std::vector<TimeRange> evidence;  // the clearest first
};
struct MonthOfTalk {
  std::string month;  // "2026-11"
  int64_t speech_ms = 0;
  int64_t videos_count = 0;
};
struct Companion {
  PersonId id;
  std::optional<std::string> name;
  int64_t videos_count = 0;
  int64_t shared_ms = 0;  // of both, where both speak
};
struct Profile {
  Person person;
  std::vector<Appearance> appearances;     // newest first
  std::vector<MonthOfTalk> talk_by_month;  // oldest first
  std::vector<Companion> speaks_with;      // the most shared speech first
};

inline constexpr int kAppearancesMax = 100;
inline constexpr int kCompanionsMax = 50;
inline constexpr int kMonthsMax = 600;       // the newest
inline constexpr int kTalkRowsMax = 20'000;  // appearances that months are made of

// kNotFound as GetPerson.
Result<Profile> LoadProfile(access::Tx& tx, const PersonId& person);

// Who the speakers of a video's current diarization are; those who are nobody are left out.
struct NamedSpeaker {
  SpeakerId speaker;
  PersonId person;
  std::optional<std::string> name;
  std::string how;
  std::optional<double> score;
};
Result<std::vector<NamedSpeaker>> PeopleOfVideo(access::Tx& tx, const VideoId& video);

}  // namespace narralytica::speakers
