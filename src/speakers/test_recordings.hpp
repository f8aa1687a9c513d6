// For tests: recordings whose speakers were told apart, by voices that are made up.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "access/test_store.hpp"
#include "jobs/changes.hpp"
#include "media/video_store.hpp"
#include "speakers/identify.hpp"
#include "speakers/people.hpp"
#include "speakers/people_lists.hpp"
#include "speakers/speaker_store.hpp"

namespace narralytica::speakers {

// One of many people, heard a little differently each time: cosine .9 to itself, and to the same
// person on another `day` about .8; 0 to anybody else.
inline Voice VoiceOn(size_t person, size_t day) {
  Voice voice{};
  voice[person] = 0.9F;
  voice[128 + day] = std::sqrt(1 - 0.81F);
  return voice;
}

struct TestSpeaker {
  Voice voice{};
  TimeRange turn;  // the only one
};

class TestRecordings : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  template <typename Body>
  auto Write(Body&& body) {
    return access::Write(store_.database(), store_.scope, body);
  }
  template <typename Body>
  auto Read(Body&& body) {
    return access::Read(store_.database(), store_.scope, body);
  }

  VideoId NewVideo() {
    const VideoId id = VideoId::New(environment());
    EXPECT_TRUE(Write([&](access::Tx& tx) {
      return media::InsertVideo(tx, {.id = id,
                                     .status = "ready",
                                     .title = "Meeting",
                                     .language = "en",
                                     .duration_ms = 100'000,
                                     .published_at = UtcMs{1'690'000'000'000},
                                     .created_at = environment().clock.Now()});
    }));
    return id;
  }

  // Tells a video's speakers apart, anew if they were before; in order.
  std::vector<SpeakerId> Diarize(const VideoId& video, const std::vector<TestSpeaker>& heard,
                                 const std::string& model_hash = "sha256:m") {
    store_.clock.Advance(1);
    const StoredDiarization diarization{.id = DiarizationId::New(environment()),
                                        .video = video,
                                        .model = "made-up",
                                        .model_hash = model_hash,
                                        .settings_hash = "s",
                                        .created_at = environment().clock.Now()};
    std::vector<StoredSpeaker> speakers;
    std::vector<StoredTurn> turns;
    IdentifyRequest request{video, diarization.id, {"made-up", model_hash}, {}};
    std::vector<SpeakerId> ids;
    for (const TestSpeaker& one : heard) {
      const int index = static_cast<int>(speakers.size());
      speakers.push_back({.id = SpeakerId::New(environment()),
                          .video = video,
                          .diarization = diarization.id,
                          .speaker_index = index,
                          .label = "Speaker " + std::to_string(index + 1),
                          .speech_ms = one.turn.duration_ms(),
                          .created_at = diarization.created_at});
      ids.push_back(speakers.back().id);
      turns.push_back({ids.back(), one.turn, 0.9});
      request.voices.push_back({ids.back(), one.turn.duration_ms(), one.voice});
    }
    const Status stored = Write([&](access::Tx& tx) -> Status {
      NRL_CHECK(InsertDiarization(tx, diarization, speakers, turns));
      return IdentifySpeakers(tx, request, environment(), {});
    });
    EXPECT_TRUE(stored) << stored.error().Describe() << stored.error().cause;
    return ids;
  }

  // A recording of these people, ten seconds each, one after the other.
  std::vector<SpeakerId> Record(const std::vector<size_t>& people) {
    std::vector<TestSpeaker> heard;
    ++day_;
    for (const size_t person : people) {
      const auto start_ms = static_cast<int64_t>(heard.size()) * 10'000;
      heard.push_back({VoiceOn(person, day_), {start_ms, start_ms + 10'000}});
    }
    video_ = NewVideo();
    return Diarize(video_, heard);
  }

  template <typename Action>
  Result<IdentityOutcome> Do(const Action& action) {
    store_.clock.Advance(1);  // ids are in the order of time
    return Write([&](access::Tx& tx) {
      People people(tx, {queue_, environment(), {}});
      return action(people);
    });
  }
  // It works, and is one event.
  template <typename Action>
  IdentityOutcome Done(const Action& action) {
    const Result<IdentityOutcome> outcome = Do(action);
    EXPECT_TRUE(outcome) << outcome.error().Describe() << " " << outcome.error().cause;
    if (!outcome) return {};
    EXPECT_EQ(outcome->events.size(), 1U);
    return *outcome;
  }

  // Of each speaker; none for those who are nobody.
  std::optional<PersonLink> LinkOf(const SpeakerId& speaker) {
    static constexpr platform::Statement kLink{
        "test.link",
        "SELECT person_id, person_how, person_score FROM speakers"
        " WHERE tenant_id = $1 AND id = $2"};
    const auto row = Read(
        [&](access::Tx& tx) { return tx.One("speaker", kLink, store_.scope.tenant, speaker); });
    EXPECT_TRUE(row);
    if (!row || row->IsNull(0)) return std::nullopt;
    return PersonLink{PersonId::FromTrusted(row->Text(0)), row->Text(1), row->MaybeReal(2)};
  }
  std::optional<PersonId> PersonOf(const SpeakerId& speaker) {
    const auto link = LinkOf(speaker);
    if (!link) return std::nullopt;
    return link->person;
  }
  int64_t Count(const char* table) {
    const std::string text = fmt::format("SELECT COUNT(*) FROM {} WHERE tenant_id = $1", table);
    const platform::Statement statement{"test.count", text.c_str()};
    return (*Read([&](access::Tx& tx) { return tx.Query(statement, store_.scope.tenant); }))[0].Int(
        0);
  }
  // Whatever can differ between two states of identities, but times, revisions and events.
  std::vector<std::string> State() {
    static constexpr platform::Statement kState{
        "test.state",
        "SELECT 'speaker ' || id || ' ' || COALESCE(person_id, '') || COALESCE(person_how, '')"
        " || COALESCE(CAST(person_score AS TEXT), '') FROM speakers WHERE tenant_id = $1"
        " UNION ALL SELECT 'person ' || id || ' ' || COALESCE(name, '') || consent"
        " || COALESCE(merged_into, '') FROM people WHERE tenant_id = $1 AND withdrawn = 0"
        " UNION ALL SELECT 'voice ' || id || COALESCE(person_id, '') FROM voiceprints"
        " WHERE tenant_id = $1"
        " UNION ALL SELECT 'not ' || speaker_id || person_id FROM identity_rejections"
        " WHERE tenant_id = $1 ORDER BY 1"};
    std::vector<std::string> lines;
    const auto rows = Read([&](access::Tx& tx) { return tx.Query(kState, store_.scope.tenant); });
    EXPECT_TRUE(rows) << rows.error().cause;
    for (const platform::Row& row : *rows) lines.push_back(row.Text(0));
    return lines;
  }

  Environment environment() { return store_.environment; }

  access::TestStore store_{GetParam()};
  jobs::Queue queue_{store_.database(), store_.environment, jobs::QueueConfig{}};
  VideoId video_;  // the newest recording
  size_t day_ = 0;
};

}  // namespace narralytica::speakers
