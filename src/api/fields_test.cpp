#include "api/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace narralytica::api {
namespace {

Request WithBody(std::string body, std::string type = "application/json; charset=utf-8") {
  Request request;
  request.headers["content-type"] = std::move(type);
  request.body = std::move(body);
  return request;
}

std::string ReasonOf(const Status& status) { return status ? "" : status.error().reason; }

TEST(Fields, GoodValuesComeThrough) {
  auto fields = Fields::OfBody(
      WithBody(R"({"name": "é", "n": 3.0, "flag": true, "list": ["a", "b"], "at": null})"));
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->Text("name", {.required = true, .characters_max = 1}), "é");
  EXPECT_EQ(fields->Integer("n", {1, 3}, 9), 3);
  EXPECT_EQ(fields->Integer("absent", {1, 3}, 9), 9);
  EXPECT_EQ(fields->Flag("flag"), true);
  EXPECT_THAT(fields->Choices("list", {"a", "b", "c"}), testing::ElementsAre("a", "b"));
  EXPECT_EQ(fields->Time("at", true), std::nullopt);
  EXPECT_TRUE(fields->End());
}

TEST(Fields, TheFirstProblemIsToldWithItsField) {
  auto fields = Fields::OfBody(WithBody(R"({"filters": {"language": "??"}, "limit": 0})"));
  Fields filters = fields->Object("filters");
  filters.Text("language", {.form = IsLanguage, .form_text = "be BCP 47"});
  fields->Integer("limit", {1, 100}, 10);
  EXPECT_EQ(ReasonOf(fields->End()), "invalid_field:filters.language");
}

TEST(Fields, MissingAndUnknownFieldsAreProblemsOfABodyOnly) {
  auto body = Fields::OfBody(WithBody(R"({"other": 1})"));
  body->Text("name", {.required = true});
  EXPECT_EQ(ReasonOf(body->End()), "missing_field:name");
  auto unknown = Fields::OfBody(WithBody(R"({"other": 1})"));
  EXPECT_EQ(ReasonOf(unknown->End()), "invalid_field:other");
  Request request;
  request.query["other"] = "1";
  EXPECT_TRUE(Fields::OfQuery(request).End());
}

TEST(Fields, WrongTypesAreNotConverted) {
  for (const char* value : {"3", "null", "[]", "{}", "true"}) {
    auto fields = Fields::OfBody(WithBody(std::string(R"({"name": )") + value + "}"));
    fields->Text("name");
    EXPECT_EQ(ReasonOf(fields->End()), "invalid_field:name") << value;
  }
  for (const char* value : {"\"3\"", "3.5", "1e300", "null", "true"}) {
    auto fields = Fields::OfBody(WithBody(std::string(R"({"n": )") + value + "}"));
    fields->Integer("n", {}, 0);
    EXPECT_EQ(ReasonOf(fields->End()), "invalid_field:n") << value;
  }
}

TEST(Fields, BodiesThatAreNoJsonObjectAreRefused) {
  for (const char* body : {"", "[]", "3", "{", "{\"a\":\"\xff\"}", "{} {}"}) {
    EXPECT_FALSE(Fields::OfBody(WithBody(body))) << body;
  }
  EXPECT_FALSE(Fields::OfBody(WithBody("{\"a\":" + std::string(100'000, '['))));
  EXPECT_FALSE(Fields::OfBody(WithBody("{}", "text/json")));
  EXPECT_TRUE(Fields::OfBody(WithBody("{}", "Application/JSON")));
}

TEST(Fields, PagesTakeCursorsThatWereGiven) {
  Request request;
  request.query = {{"limit", "7"}, {"offset", "3"}};
  Fields fields = Fields::OfQuery(request);
  EXPECT_EQ(fields.Page().offset, 3);
  EXPECT_TRUE(fields.End());
  request.query["cursor"] = access::EncodeCursor("after me");
  Fields with_cursor = Fields::OfQuery(request);
  const access::PageRequest page = with_cursor.Page();
  EXPECT_EQ(page.after, "after me");
  EXPECT_EQ(page.offset, 0);
  for (const char* bad : {"!", "====", "a"}) {
    request.query["cursor"] = bad;
    Fields wrong = Fields::OfQuery(request);
    wrong.Page();
    EXPECT_FALSE(wrong.End()) << bad;
  }
  for (const char* bad : {"", "0", "101", "-1", "1x", "0x1", " 1", "99999999999999999999"}) {
    request.query = {{"limit", bad}};
    Fields wrong = Fields::OfQuery(request);
    wrong.Page();
    EXPECT_EQ(ReasonOf(wrong.End()), "invalid_field:limit") << bad;
  }
}

TEST(Fields, Languages) {
  for (const char* good : {"en", "de-CH", "zh-Hant-TW", "en-x-a"}) EXPECT_TRUE(IsLanguage(good));
  for (const char* bad : {"", "e", "1n", "en-", "-en", "en_US", "abcdefghi"}) {
    EXPECT_FALSE(IsLanguage(bad)) << bad;
  }
}

}  // namespace
}  // namespace narralytica::api
