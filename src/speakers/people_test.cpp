#include "speakers/people.hpp"

#include <gmock/gmock.h>

#include "platform/sql/test_databases.hpp"
#include "speakers/test_recordings.hpp"

namespace narralytica::speakers {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PeopleTest : public TestRecordings {
 protected:
  // The action does something that its undo takes back whole, and undoing that does it again.
  void ExpectUndoable(const std::vector<std::string>& before, const IdentityOutcome& done) {
    const std::vector<std::string> after = State();
    EXPECT_NE(before, after);
    const auto undone = Done([&](People& people) { return people.Undo(done.events.at(0)); });
    EXPECT_EQ(State(), before);
    EXPECT_EQ(undone.videos, done.videos);
    const auto twice = Do([&](People& people) { return people.Undo(done.events.at(0)); });
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, ErrorCode::kConflict);
    Done([&](People& people) { return people.Undo(undone.events.at(0)); });
    EXPECT_EQ(State(), after);
  }
  PersonId NameOne(const SpeakerId& speaker, const std::string& name) {
    return Done([&](People& people) { return people.Assign(speaker, name); }).person.value();
  }
};

INSTANTIATE_TEST_SUITE_P(Databases, PeopleTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(PeopleTest, VoicesThatRecurAreGroupedAndFoundAgain) {
  const auto first = Record({0, 1});
  EXPECT_FALSE(PersonOf(first[0]));
  const auto second = Record({1, 2});
  ASSERT_TRUE(PersonOf(second[0]));
  EXPECT_EQ(PersonOf(second[0]), PersonOf(first[1]));
  EXPECT_FALSE(PersonOf(first[0]));
  EXPECT_FALSE(PersonOf(second[1]));
  const auto third = Record({2, 1, 3});
  EXPECT_EQ(PersonOf(third[1]), PersonOf(first[1]));
  EXPECT_EQ(LinkOf(third[1])->how, "match");
  EXPECT_GT(LinkOf(third[1])->score.value(), 0.8);
  EXPECT_EQ(PersonOf(third[0]), PersonOf(second[1]));
  EXPECT_FALSE(PersonOf(third[2]));
  const auto listed =
      Read([&](access::Tx& tx) { return ListPeople(tx, {.q = "", .state = "unknown"}, {}); });
  EXPECT_EQ(listed->total, 2);
  const auto voices = Read([&](access::Tx& tx) { return PeopleOfVideo(tx, video_); });
  EXPECT_EQ(voices->size(), 2U);
}

TEST_P(PeopleTest, AnotherModelsVoicesAreStrangers) {
  Record({0});
  const VideoId video = NewVideo();
  const auto speakers = Diarize(video, {{VoiceOn(0, 1), {0, 10'000}}}, "sha256:other");
  EXPECT_FALSE(PersonOf(speakers[0]));
}

TEST_P(PeopleTest, AssigningToANewNameIsUndoable) {
  const auto speakers = Record({0, 1});
  const auto before = State();
  const auto done = Done([&](People& people) { return people.Assign(speakers[0], " Ada  "); });
  EXPECT_EQ(LinkOf(speakers[0])->how, "person");
  EXPECT_THAT(done.videos, ElementsAre(video_));
  const auto person = Read([&](access::Tx& tx) { return GetPerson(tx, *done.person); });
  EXPECT_EQ(person->name, "Ada");
  EXPECT_EQ(person->videos_count, 1);
  EXPECT_EQ(person->speech_ms, 10'000);
  ExpectUndoable(before, done);
  EXPECT_TRUE(
      Do([&](People& people) { return people.Assign(speakers[0], *done.person); })->events.empty());
}

TEST_P(PeopleTest, TheFeedTellsOfEveryVideoAndSearchIsToFollow) {
  const auto first = Record({0});
  const VideoId first_video = video_;
  const auto second = Record({0});
  const auto before = Count("jobs");
  const auto done = Done([&](People& people) { return people.Rename(*PersonOf(first[0]), "Ada"); });
  EXPECT_EQ(std::set(done.videos.begin(), done.videos.end()), (std::set{first_video, video_}));
  EXPECT_EQ(Count("jobs"), before + 1);
  const auto system = access::SystemScope("test");
  ASSERT_TRUE(access::Write(store_.database(), system,
                            [](access::Tx& tx) { return jobs::NumberChanges(tx, 100); }));
  const auto changes = access::Read(
      store_.database(), system, [](access::Tx& tx) { return jobs::ReadAllChanges(tx, 0, 100); });
  std::set<std::string> told;
  for (const jobs::Change& change : *changes) told.insert(change.entity + change.entity_id);
  EXPECT_TRUE(told.contains("diarization" + first_video.str()));
  EXPECT_TRUE(told.contains("diarization" + video_.str()));
}

TEST_P(PeopleTest, RenamingAndConsentAreUndoable) {
  const PersonId person = NameOne(Record({0})[0], "Ada");
  auto before = State();
  ExpectUndoable(before, Done([&](People& people) { return people.Rename(person, "Ada L."); }));
  before = State();
  ExpectUndoable(before, Done([&](People& people) { return people.SetConsent(person, "denied"); }));
}

TEST_P(PeopleTest, WhoDoesNotAgreeIsNotFoundAgain) {
  const PersonId person = NameOne(Record({0})[0], "Ada");
  Done([&](People& people) { return people.SetConsent(person, "denied"); });
  EXPECT_FALSE(PersonOf(Record({0})[0]));
  EXPECT_FALSE(PersonOf(Record({0})[0]));  // nor as an unknown voice that recurs
  Done([&](People& people) { return people.SetConsent(person, "granted"); });
  EXPECT_EQ(Count("people"), 1);
}

TEST_P(PeopleTest, UndoingAMergeFreesWhatWasMatchedByIt) {
  const auto first = Record({0, 1});
  const PersonId ada = NameOne(first[0], "Ada");
  const PersonId twin = NameOne(first[1], "Ada?");
  Done([&](People& people) { return people.Enrol(twin, first[1]); });
  const auto done = Done([&](People& people) { return people.Merge(twin, ada); });
  EXPECT_EQ(done.person, ada);
  EXPECT_EQ(PersonOf(first[1]), ada);
  EXPECT_EQ(Read([&](access::Tx& tx) { return LivePerson(tx, twin); }).value(), ada);
  const auto later = Record({1});
  EXPECT_EQ(PersonOf(later[0]), ada);
  const auto undone = Done([&](People& people) { return people.Undo(done.events[0]); });
  EXPECT_EQ(PersonOf(first[1]), twin);
  EXPECT_EQ(PersonOf(later[0]), twin);
  EXPECT_EQ(undone.videos.size(), 2U);
}

TEST_P(PeopleTest, AMergeIsTakenBackWhole) {
  const auto first = Record({0, 1});
  const PersonId ada = NameOne(first[0], "Ada");
  const PersonId twin = NameOne(first[1], "Ada?");
  Done([&](People& people) { return people.Enrol(twin, first[1]); });
  const auto before = State();
  ExpectUndoable(before, Done([&](People& people) { return people.Merge(twin, ada); }));
  EXPECT_EQ(Do([&](People& people) { return people.Merge(twin, ada); }).error().code,
            ErrorCode::kConflict);
}

TEST_P(PeopleTest, WhoWasSaidToBeTwoIsNotMerged) {
  const auto first = Record({0, 1});
  const PersonId ada = NameOne(first[0], "Ada");
  const PersonId bob = NameOne(first[1], "Bob");
  const auto rejected = Done([&](People& people) { return people.Reject(first[1], ada); });
  const auto merged = Do([&](People& people) { return people.Merge(bob, ada); });
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, ErrorCode::kConflict);
  Done([&](People& people) { return people.Undo(rejected.events[0]); });
  EXPECT_TRUE(Do([&](People& people) { return people.Merge(bob, ada); }));
}

TEST_P(PeopleTest, SplittingIsUndoable) {
  const auto first = Record({0});
  const auto second = Record({0});
  const PersonId both = *PersonOf(first[0]);
  const auto before = State();
  const auto done =
      Done([&](People& people) { return people.Split(both, {second[0]}, "Somebody else"); });
  EXPECT_EQ(PersonOf(first[0]), both);
  EXPECT_EQ(PersonOf(second[0]), done.person);
  EXPECT_NE(done.person, both);
  ExpectUndoable(before, done);
  const auto wrong = Do([&](People& people) { return people.Split(both, {second[0]}, ""); });
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalid);
}

TEST_P(PeopleTest, ARejectedMatchIsNeverMadeAgain) {
  const auto first = Record({0});
  const PersonId ada = NameOne(first[0], "Ada");
  const auto second = Record({0});
  const VideoId video = video_;
  ASSERT_EQ(PersonOf(second[0]), ada);
  const auto before = State();
  const auto done = Done([&](People& people) { return people.Reject(second[0], ada); });
  EXPECT_FALSE(PersonOf(second[0]));
  ExpectUndoable(before, done);
  // The rejection is carried over to the next diarization.
  const auto again = Diarize(video, {{VoiceOn(0, day_), {0, 10'000}}});
  EXPECT_FALSE(PersonOf(again[0]));
}

TEST_P(PeopleTest, WhatRestedOnAWrongVoiceIsScoredAgainAndComesBackWithUndo) {
  const PersonId ada = NameOne(Record({0})[0], "Ada");
  Record({0});
  const auto wrong = Diarize(NewVideo(), {{VoiceOn(1, 50), {0, 20'000}}});
  Done([&](People& people) { return people.Assign(wrong[0], ada); });
  const auto right = Diarize(NewVideo(), {{VoiceOn(0, 51), {0, 3'000}}});
  ASSERT_EQ(PersonOf(right[0]), ada);
  const auto tainted = Record({1});  // found by the wrong voice alone
  ASSERT_EQ(PersonOf(tainted[0]), ada);
  const auto before = State();
  const auto done = Done([&](People& people) { return people.Reject(wrong[0], ada); });
  EXPECT_NE(PersonOf(tainted[0]), ada);
  EXPECT_EQ(PersonOf(right[0]), ada);
  EXPECT_EQ(PersonOf(tainted[0]), PersonOf(wrong[0]));  // the unknown voice that the two are
  EXPECT_EQ(done.videos.size(), 4U);  // the scores of the right ones are others now
  ExpectUndoable(before, done);
}

TEST_P(PeopleTest, EnrollingFromAClipFindsThePersonAgain) {
  const auto speakers = Record({0, 1});
  const PersonId ada = Done([&](People& people) { return people.Create("Ada"); }).person.value();
  const VoiceClip clip{video_, {12'000, 15'000}};  // the second speaker's
  const auto done = Done([&](People& people) { return people.Enrol(ada, clip); });
  EXPECT_EQ(PersonOf(Record({1})[0]), ada);
  const auto none =
      Do([&](People& people) { return people.Enrol(ada, VoiceClip{video_, {90'000, 95'000}}); });
  EXPECT_EQ(none.error().code, ErrorCode::kConflict);
  const auto undone = Done([&](People& people) { return people.Undo(done.events[0]); });
  EXPECT_EQ(Count("voiceprints"), Count("voice_keys"));
  const auto again = Do([&](People& people) { return people.Undo(undone.events[0]); });
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);  // the voiceprint is gone
}

TEST_P(PeopleTest, AVoiceOfTooLittleSpeechIsNotEnrolled) {
  const PersonId ada = Done([&](People& people) { return people.Create("Ada"); }).person.value();
  const auto speakers = Diarize(NewVideo(), {{VoiceOn(0, 0), {0, 2'000}}});
  const auto done = Do([&](People& people) { return people.Enrol(ada, speakers[0]); });
  EXPECT_EQ(done.error().code, ErrorCode::kConflict);
}

TEST_P(PeopleTest, WhatLaterRestsOnCannotBeUndone) {
  const auto speakers = Record({0, 1});
  const auto made = Done([&](People& people) { return people.Assign(speakers[0], "Ada"); });
  const auto later =
      Done([&](People& people) { return people.Assign(speakers[1], made.person.value()); });
  const auto renamed =
      Done([&](People& people) { return people.Rename(made.person.value(), "Ada L."); });
  const auto early = Do([&](People& people) { return people.Undo(made.events[0]); });
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kConflict);
  Done([&](People& people) { return people.Undo(renamed.events[0]); });
  Done([&](People& people) { return people.Undo(later.events[0]); });
  const auto first = Done([&](People& people) { return people.Undo(made.events[0]); });
  EXPECT_FALSE(first.person);
  EXPECT_EQ(Read([&](access::Tx& tx) { return ListPeople(tx, {}, {}); })->total, 0);
}

TEST_P(PeopleTest, WhatAPersonSaidSurvivesANewDiarization) {
  const auto speakers = Record({0, 1});
  const VideoId video = video_;
  const auto made = Done([&](People& people) { return people.Assign(speakers[1], "Bob"); });
  // The other way round, and heard a little differently.
  const auto again =
      Diarize(video, {{VoiceOn(1, 90), {10'500, 20'000}}, {VoiceOn(0, 90), {0, 10'400}}});
  EXPECT_EQ(LinkOf(again[0])->person, made.person);
  EXPECT_EQ(LinkOf(again[0])->how, "person");
  EXPECT_FALSE(PersonOf(again[1]));
  EXPECT_EQ(Count("voiceprints"), 2);
  EXPECT_EQ(Count("voice_keys"), 2);
  const auto stale = Do([&](People& people) { return people.Assign(speakers[0], "Ada"); });
  EXPECT_EQ(stale.error().code, ErrorCode::kConflict);
  const auto undone = Do([&](People& people) { return people.Undo(made.events[0]); });
  EXPECT_EQ(undone.error().code, ErrorCode::kConflict);
  // Nobody is heir of a time in which nobody of old spoke.
  const auto elsewhere = Diarize(video, {{VoiceOn(5, 90), {50'000, 70'000}}});
  EXPECT_FALSE(PersonOf(elsewhere[0]));
}

TEST_P(PeopleTest, NamesAreCleanedAndChecked) {
  EXPECT_EQ(CleanName("  Zoë  O'Neill ").value(), "Zoë  O'Neill");
  EXPECT_TRUE(CleanName(std::string(200, 'x')));
  for (const std::string& name :
       {std::string(), std::string("   "), std::string(201, 'x'), std::string("a\nb"),
        std::string("a\x7f"), std::string("a\xc2\x85"),
        std::string("\xe2\x80\xae"
                    "a"),
        std::string("\xff")}) {
    EXPECT_FALSE(CleanName(name)) << name;
  }
}

TEST_P(PeopleTest, ListsByNameAndShowsAProfile) {
  const auto first = Record({0, 1});
  const PersonId ada = NameOne(first[0], "Ada ÄRGER");
  const PersonId bob = NameOne(first[1], "Bob 100%");
  const auto find = [&](const std::string& q) {
    const auto page =
        Read([&](access::Tx& tx) { return ListPeople(tx, {.q = q, .state = ""}, {}); });
    std::vector<std::string> names;
    for (const Person& person : page->items) names.push_back(*person.name);
    return names;
  };
  EXPECT_THAT(find("ärger"), ElementsAre("Ada ÄRGER"));
  EXPECT_THAT(find("100%"), ElementsAre("Bob 100%"));
  EXPECT_THAT(find("1%0"), IsEmpty());
  EXPECT_THAT(find(""), ElementsAre("Bob 100%", "Ada ÄRGER"));
  const auto profile = Read([&](access::Tx& tx) { return LoadProfile(tx, ada); });
  ASSERT_TRUE(profile) << profile.error().cause;
  ASSERT_EQ(profile->appearances.size(), 1U);
  EXPECT_THAT(profile->appearances[0].evidence, ElementsAre(TimeRange{0, 10'000}));
  ASSERT_EQ(profile->talk_by_month.size(), 1U);
  EXPECT_EQ(profile->talk_by_month[0].month, "2023-07");
  ASSERT_EQ(profile->speaks_with.size(), 1U);
  EXPECT_EQ(profile->speaks_with[0].id, bob);
  EXPECT_EQ(profile->speaks_with[0].shared_ms, 20'000);
}

TEST_P(PeopleTest, EventsTellWhoDidWhat) {
  const auto first = Record({0});
  const auto second = Record({0});
  const PersonId person = *PersonOf(first[0]);
  Done([&](People& people) { return people.Rename(person, "Ada"); });
  const auto page = Read([&](access::Tx& tx) { return ListIdentityEvents(tx, person, {}); });
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_EQ(page->items[0].kind, "rename");
  EXPECT_EQ(page->items[0].actor, "test");
  EXPECT_TRUE(page->items[0].can_undo);
  EXPECT_EQ(page->items[1].kind, "create");
  EXPECT_EQ(page->items[1].actor, "matching");
  EXPECT_EQ(page->items[1].speaker, second[0]);
  EXPECT_EQ(page->items[1].evidence["other_speaker_id"], first[0].str());
}

}  // namespace
}  // namespace narralytica::speakers
