#include "api/http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace narralytica::api {
namespace {

TEST(ParseTarget, PathStaysEncodedAndQueryIsDecoded) {
  const auto target = ParseTarget("/a%20b?q=x+%2B%C3%A4&empty=&flag");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a%20b");
  EXPECT_EQ(target->query.at("q"), "x +ä");
  EXPECT_EQ(target->query.at("empty"), "");
  EXPECT_EQ(target->query.at("flag"), "");
}

TEST(ParseTarget, RefusesWhatHasNoOneMeaning) {
  for (const char* bad : {"", "a", "http://x/", "/\x01", "/?a=%", "/?a=%1", "/?a=%zz", "/?a=1&a=2",
                          "/?a=%FF", "/?a=%00", "/?a=%C0%80"}) {
    EXPECT_FALSE(ParseTarget(bad)) << bad;
  }
}

TEST(Request, CookiesAreFoundByTheirWholeName) {
  Request request;
  request.headers["cookie"] = "a=1; narralytica_session=abc=; xnarralytica_session=no; b";
  EXPECT_EQ(request.Cookie("narralytica_session"), "abc=");
  EXPECT_EQ(request.Cookie("a"), "1");
  EXPECT_EQ(request.Cookie("session"), "");
  EXPECT_EQ(request.Cookie("b"), "");
  request.headers.clear();
  EXPECT_EQ(request.Cookie("a"), "");
}

TEST(ErrorResponse, HasTheFieldAndKeepsTheCause) {
  Error error = InvalidField("limit", "limit is wrong", "make it smaller");
  error.cause = "a private cause";
  const Response response = ErrorResponse(error, "c-1");
  EXPECT_EQ(response.status, 400);
  const auto body = Json::parse(std::get<std::string>(response.body))["error"];
  EXPECT_EQ(body["code"], "invalid_input");
  EXPECT_EQ(body["details"]["field"], "limit");
  EXPECT_EQ(body["correlation_id"], "c-1");
  EXPECT_FALSE(std::get<std::string>(response.body).contains("private"));
}

TEST(ErrorResponse, EveryCodeHasItsStatus) {
  const std::pair<ErrorCode, int> expected[] = {
      {ErrorCode::kInvalid, 400}, {ErrorCode::kNotFound, 404}, {ErrorCode::kConflict, 409},
      {ErrorCode::kDenied, 403},  {ErrorCode::kLimited, 429},  {ErrorCode::kUnavailable, 503},
      {ErrorCode::kCorrupt, 500}, {ErrorCode::kCanceled, 503}, {ErrorCode::kInternal, 500}};
  for (const auto& [code, status] : expected) {
    EXPECT_EQ(ErrorResponse(Error{code, "x", {}, {}, {}}, "c").status, status);
  }
  EXPECT_EQ(ErrorResponse(Error{ErrorCode::kDenied, "x", {}, {}, "unauthorized"}, "c").status, 401);
  EXPECT_EQ(ErrorResponse(Error{ErrorCode::kNotFound, "x", {}, {}, "gone"}, "c").status, 410);
}

TEST(HttpDate, IsImfFixdate) {
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(HttpDate(1'795'600'800), "Wed, 25 Nov 2026 10:00:00 GMT");
}

}  // namespace
}  // namespace narralytica::api
