#include "api/content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace narralytica::api {
namespace {

constexpr int64_t kSize = 1'000;

TEST(ParseRange, OneRangeIsCutToTheFile) {
  const std::tuple<const char*, int64_t, int64_t> cases[] = {
      {"bytes=0-0", 0, 1},   {"bytes=0-999", 0, 1'000}, {"bytes=990-5000", 990, 10},
      {"bytes=5-", 5, 995},  {"bytes=-10", 990, 10},    {"bytes=-5000", 0, 1'000},
      {"  bytes=1-2 ", 1, 2}};
  for (const auto& [header, first, bytes] : cases) {
    const auto range = ParseRange(header, kSize);
    ASSERT_TRUE(range && *range) << header;
    EXPECT_EQ((*range)->first, first) << header;
    EXPECT_EQ((*range)->bytes, bytes) << header;
  }
}

TEST(ParseRange, WhatIsNoRangeMeansTheWhole) {
  for (const char* header : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=2-1",
                             "items=0-1", "bytes=0-1,3-4", "bytes=+1-2"}) {
    const auto range = ParseRange(header, kSize);
    ASSERT_TRUE(range) << header;
    EXPECT_FALSE(*range) << header;
  }
}

TEST(ParseRange, BeyondTheEndIsAnError) {
  for (const char* header : {"bytes=1000-", "bytes=1000-1001", "bytes=-0"}) {
    EXPECT_EQ(ParseRange(header, kSize).error().reason, "range:Range") << header;
  }
  EXPECT_FALSE(ParseRange("bytes=0-", 0));
}

TEST(Matches, EtagsByComparisonOfTheirText) {
  EXPECT_TRUE(Matches("\"a\"", "\"a\""));
  EXPECT_TRUE(Matches("\"x\", W/\"a\"", "\"a\""));
  EXPECT_TRUE(Matches("*", "\"a\""));
  EXPECT_FALSE(Matches("", "\"a\""));
  EXPECT_FALSE(Matches("a", "\"a\""));
  EXPECT_FALSE(Matches("\"b\"", "\"a\""));
}

TEST(AttachmentDisposition, NothingEndsTheHeaderEarly) {
  EXPECT_EQ(AttachmentDisposition("a b\"\r\n;ä.mp4"),
            "attachment; filename*=UTF-8''a%20b%22%0D%0A%3B%C3%A4.mp4");
}

}  // namespace
}  // namespace narralytica::api
