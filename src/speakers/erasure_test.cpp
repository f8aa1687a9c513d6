#include "speakers/erasure.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "platform/sql/test_databases.hpp"
#include "speakers/test_recordings.hpp"

namespace narralytica::speakers {
namespace {

class ErasureTest : public TestRecordings {
 protected:
  ErasureProof Erase(const PersonId& person) {
    store_.clock.Advance(1);
    const ErasureParts parts{
        store_.database(), {queue_, environment(), {}}, store_.folder() + "/voices", [this] {
          return search_waits_since_;
        }};
    const auto proof = ErasePerson(parts, store_.scope, person);
    EXPECT_TRUE(proof) << proof.error().Describe() << " " << proof.error().cause;
    return *proof;
  }
  static std::map<std::string, ErasedPlace> ByWhat(const ErasureProof& proof) {
    std::map<std::string, ErasedPlace> places;
    for (const ErasedPlace& place : proof.places) places[place.place + ": " + place.what] = place;
    return places;
  }
  PersonId NameOne(const SpeakerId& speaker, const std::string& name) {
    return Done([&](People& people) { return people.Assign(speaker, name); }).person.value();
  }
  // What the tables that can tell of somebody have of a text.
  int64_t Mentions(const std::string& text) {
    static constexpr platform::Statement kMentions{
        "test.mentions",
        "SELECT (SELECT COUNT(*) FROM people WHERE tenant_id = $1 AND name LIKE $2)"
        " + (SELECT COUNT(*) FROM identity_events WHERE tenant_id = $1 AND evidence LIKE $2)"
        " + (SELECT COUNT(*) FROM identity_changes WHERE tenant_id = $1"
        " AND (value_before LIKE $2 OR value_after LIKE $2))"};
    const auto rows = Read(
        [&](access::Tx& tx) { return tx.Query(kMentions, store_.scope.tenant, "%" + text + "%"); });
    EXPECT_TRUE(rows) << rows.error().cause;
    return (*rows)[0].Int(0);
  }

  std::optional<UtcMs> search_waits_since_;
};

INSTANTIATE_TEST_SUITE_P(Databases, ErasureTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(ErasureTest, LeavesNothingOfTheVoiceAndProvesIt) {
  const auto first = Record({0, 1});
  const PersonId ada = NameOne(first[0], "Ada Lovelace");
  const auto second = Record({0, 1});
  const PersonId twin =
      Done([&](People& people) { return people.Create("Ada L."); }).person.value();
  Done([&](People& people) { return people.Enrol(twin, first[0]); });
  Done([&](People& people) { return people.Reject(second[1], ada); });
  const PersonId bob = *PersonOf(second[1]);
  Done([&](People& people) { return people.Enrol(bob, first[0]); });  // of her voice
  Done([&](People& people) { return people.Merge(twin, ada); });
  ASSERT_EQ(PersonOf(second[0]), ada);
  ASSERT_GT(Mentions("Ada"), 0);
  ASSERT_EQ(Count("voiceprints"), 6);

  const ErasureProof proof = Erase(ada);
  EXPECT_TRUE(proof.complete);
  EXPECT_EQ(proof.videos.size(), 2U);
  const auto places = ByWhat(proof);
  EXPECT_EQ(places.at("voiceprints: sealed voices").removed, 4);
  EXPECT_EQ(places.at("voice_keys: keys to sealed voices").removed, 4);
  EXPECT_EQ(places.at("speakers: speakers taken for the person").removed, 2);
  EXPECT_EQ(places.at("speakers: scores of matches").removed, 1);
  EXPECT_EQ(places.at("people: names").removed, 2);
  EXPECT_EQ(places
                .at("search_index: entries of the recordings from before; ask again to look"
                    " again")
                .found,
            2);
  EXPECT_EQ(Count("voiceprints"), 2);
  EXPECT_EQ(Count("voice_keys"), 2);
  EXPECT_EQ(Mentions("Ada"), 0);
  EXPECT_FALSE(PersonOf(first[0]));
  EXPECT_FALSE(PersonOf(second[0]));
  EXPECT_EQ(PersonOf(second[1]), bob);
  for (const PersonId& person : {ada, twin}) {
    EXPECT_FALSE(Read([&](access::Tx& tx) { return LivePerson(tx, person); }));
  }
}

TEST_P(ErasureTest, TheVoiceIsNotMadeAgainAndIsNobodysAfterwards) {
  const auto first = Record({0, 1});
  const VideoId video = video_;
  Erase(NameOne(first[0], "Ada"));
  EXPECT_FALSE(PersonOf(Record({0})[0]));  // nothing is left to match it with
  const auto before = Count("voiceprints");
  const auto again =
      Diarize(video, {{VoiceOn(0, 70), {0, 10'000}}, {VoiceOn(1, 70), {10'000, 20'000}}});
  EXPECT_EQ(Count("voiceprints"), before);  // the other speaker's stands for the one before
  EXPECT_FALSE(PersonOf(again[0]));
}

TEST_P(ErasureTest, ErasedEventsCannotBeUndone) {
  const auto first = Record({0});
  const auto made = Done([&](People& people) { return people.Assign(first[0], "Ada"); });
  Erase(*made.person);
  const auto undone = Do([&](People& people) { return people.Undo(made.events[0]); });
  ASSERT_FALSE(undone);
  EXPECT_EQ(undone.error().code, ErrorCode::kConflict);
  const auto page = Read([&](access::Tx& tx) { return ListIdentityEvents(tx, *made.person, {}); });
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_EQ(page->items[0].kind, "erase");
  EXPECT_FALSE(page->items[0].can_undo);
  EXPECT_TRUE(page->items[1].evidence.empty());
}

TEST_P(ErasureTest, APlantedLeftoverIsFoundAndRemoved) {
  const auto first = Record({0});
  const PersonId ada = NameOne(first[0], "Ada");
  Erase(ada);
  const auto places = [&] { return ByWhat(Erase(ada)).at("voiceprints: sealed voices"); };
  EXPECT_EQ(places().found, 0);
  // As if another writer had put one back.
  ASSERT_TRUE(Write([&](access::Tx& tx) {
    return InsertVoiceprint(tx,
                            {.speaker = first[0],
                             .person = {},
                             .clip = {},
                             .model = {"made-up", "sha256:m"},
                             .speech_ms = 10'000,
                             .voice = VoiceOn(0, 0)},
                            environment());
  }));
  EXPECT_EQ(places().found, 1);
  EXPECT_EQ(places().found, 0);
  EXPECT_EQ(Count("voice_keys"), 0);
}

TEST_P(ErasureTest, WhatSearchDoesNotShowYetIsLeft) {
  const PersonId ada = NameOne(Record({0})[0], "Ada");
  search_waits_since_ = environment().clock.Now();
  EXPECT_FALSE(Erase(ada).complete);
  search_waits_since_ = UtcMs{environment().clock.Now().value + 1};  // a later change of somebody's
  EXPECT_TRUE(Erase(ada).complete);
  search_waits_since_.reset();
  EXPECT_TRUE(Erase(ada).complete);
}

TEST_P(ErasureTest, WhatABrokenOffDiarizationHeardIsRemoved) {
  const PersonId ada = NameOne(Record({0})[0], "Ada");
  const auto job = Write([&](access::Tx& tx) {
    return queue_.Enqueue(tx, {.stage = {"diarize", ""},
                               .video = video_,
                               .payload = "{}",
                               .priority = 0,
                               .attempts_max = 1,
                               .unique_key = ""});
  });
  ASSERT_TRUE(job);
  const std::string heard = store_.folder() + "/voices/" + job->str() + "-0123456789abcdef";
  const std::string others = store_.folder() + "/voices/somebody-elses";
  std::filesystem::create_directories(heard);
  std::filesystem::create_directories(others);
  const auto place = ByWhat(Erase(ada)).at("scratch_folder: what broken-off diarizations heard");
  EXPECT_EQ(place.removed, 1);
  EXPECT_EQ(place.left, 0);
  EXPECT_FALSE(std::filesystem::exists(heard));
  EXPECT_TRUE(std::filesystem::exists(others));
}

TEST_P(ErasureTest, WithoutItsKeyASealedVoiceCannotBeRead) {
  const auto first = Record({0});
  ASSERT_TRUE(Read([&](access::Tx& tx) { return VoiceOfSpeaker(tx, first[0]); })->has_value());
  static constexpr platform::Statement kSteal{
      "test.steal", "UPDATE voice_keys SET secret = 'another' WHERE tenant_id = $1"};
  ASSERT_TRUE(Write([&](access::Tx& tx) { return tx.Execute(kSteal, store_.scope.tenant); }));
  const auto voice = Read([&](access::Tx& tx) { return VoiceOfSpeaker(tx, first[0]); });
  ASSERT_FALSE(voice);
  EXPECT_EQ(voice.error().code, ErrorCode::kCorrupt);
  // It keeps nobody else from being found.
  Record({1});
  EXPECT_TRUE(PersonOf(Record({1, 0})[0]));
  EXPECT_FALSE(PersonOf(first[0]));
}

TEST_P(ErasureTest, NobodyIsErasedTwiceOrByAWrongId) {
  const ErasureParts parts{store_.database(), {queue_, environment(), {}}, "", [] {
                             return Result<std::optional<UtcMs>>(std::nullopt);
                           }};
  const auto proof = ErasePerson(parts, store_.scope, PersonId::New(environment()));
  ASSERT_FALSE(proof);
  EXPECT_EQ(proof.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace narralytica::speakers
