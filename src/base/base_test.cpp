#include <gtest/gtest.h>

#include <set>

#include "base/deadline.hpp"
#include "base/hash.hpp"
#include "base/id.hpp"
#include "base/result.hpp"

namespace narralytica {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(ErrorCode::kInvalid, "value is odd", "use an even one");
  return value / 2;
}

Result<int> Quarter(int value) {
  NRL_TRY(const int half, Half(value));
  return Half(half);
}

TEST(Result, TryHandsTheErrorOn) {
  EXPECT_EQ(*Quarter(12), 3);
  const auto failed = Quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(failed.error().Describe(), "value is odd (use an even one)");
}

TEST(ErrorCodes, HaveAStableWireSpelling) {
  for (const char* name : {"invalid", "not_found", "conflict", "denied", "limited", "unavailable",
                           "corrupt", "canceled", "internal"}) {
    const auto code = ErrorCodeFromString(name);
    ASSERT_TRUE(code) << name;
    EXPECT_EQ(ToString(*code), name);
  }
  EXPECT_FALSE(ErrorCodeFromString("cancelled"));
}

TEST(Uuid, IsVersion7AndSortsByTime) {
  FakeClock clock(UtcMs{1'700'000'000'000});
  SeededRandom random(1);
  const std::string first = NewUuid({clock, random});
  clock.Advance(1);
  const std::string second = NewUuid({clock, random});
  EXPECT_TRUE(IsUuid(first));
  EXPECT_EQ(first[14], '7');
  EXPECT_NE(std::string("89ab").find(first[19]), std::string::npos);
  EXPECT_LT(first, second);
}

TEST(Uuid, OneSeedGivesOneSequence) {
  const FakeClock clock(UtcMs{5});
  FakeClock same(UtcMs{5});
  SeededRandom one(42);
  SeededRandom other(42);
  FakeClock copy(UtcMs{5});
  EXPECT_EQ(NewUuid({same, one}), NewUuid({copy, other}));
}

TEST(Id, OfOutsideTextIsChecked) {
  EXPECT_TRUE(VideoId::Parse("0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e0f"));
  for (const char* text : {"", "7", "0192F0C1-1A2B-7C3D-8E4F-5A6B7C8D9E0F",
                           "0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e0f'--"}) {
    const auto id = VideoId::Parse(text);
    ASSERT_FALSE(id) << text;
    EXPECT_EQ(id.error().code, ErrorCode::kNotFound);
  }
}

TEST(Hash, MatchesTheStandardsExample) {
  // FIPS 180-4, "abc".
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  const uint8_t a[] = {'a', 'b'};
  const uint8_t c[] = {'c'};
  parts.Update(a);
  parts.Update(c);
  EXPECT_EQ(parts.FinishHex(), Sha256Hex("abc"));
}

TEST(Random, BelowCoversItsRangeAndNothingElse) {
  SeededRandom random(7);
  std::set<uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.Below(5));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4}));
}

TEST(Deadline, TellsStopFromTime) {
  std::stop_source source;
  EXPECT_TRUE(Deadline::Never(source.get_token()).Check("work"));
  const auto late = Deadline::In(std::chrono::milliseconds(-1)).Check("work");
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  source.request_stop();
  const auto stopped = Deadline::Never(source.get_token()).Check("work");
  EXPECT_EQ(stopped.error().code, ErrorCode::kCanceled);
}

}  // namespace
}  // namespace narralytica
