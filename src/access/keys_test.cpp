#include "access/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/test_store.hpp"

namespace narralytica::access {
namespace {

class KeysTest : public testing::TestWithParam<platform::SqlDialect> {
 protected:
  template <typename Body>
  auto Do(Body&& body) {
    return Write(store_.database(), store_.scope, std::forward<Body>(body));
  }
  CreatedKey Make(const std::string& role, std::vector<std::string> scopes = {},
                  std::optional<UtcMs> expires_at = {}) {
    return *Do([&](Tx& tx) {
      return CreateKey(tx, {"a key", role, scopes, expires_at}, store_.environment);
    });
  }
  std::optional<ApiKey> Find(const std::string& secret) {
    return *Read(store_.database(), SystemScope("test"),
                 [&](Tx& tx) { return FindKey(tx, secret, store_.clock.Now()); });
  }
  std::optional<Session> FindByToken(const std::string& token) {
    return *Read(store_.database(), SystemScope("test"),
                 [&](Tx& tx) { return FindSession(tx, token, store_.clock.Now()); });
  }

  TestStore store_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Databases, KeysTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(KeysTest, AKeyIsFoundByItsSecretAloneUntilItIsRevoked) {
  const CreatedKey made = Make("editor");
  EXPECT_THAT(made.secret, testing::MatchesRegex("nrl_[0-9a-f]{8}_[0-9a-f]{40}"));
  EXPECT_TRUE(made.secret.starts_with(made.key.prefix));
  ASSERT_TRUE(Find(made.secret));
  EXPECT_EQ(Find(made.secret)->role, "editor");
  EXPECT_FALSE(Find(made.key.prefix));
  EXPECT_FALSE(Find(made.secret + "0"));
  EXPECT_FALSE(Find(""));
  ASSERT_TRUE(Do([&](Tx& tx) { return RevokeKey(tx, made.key.id, store_.clock.Now()); }));
  EXPECT_FALSE(Find(made.secret));
}

TEST_P(KeysTest, AKeyExpires) {
  const CreatedKey made = Make("viewer", {}, UtcMs{store_.clock.Now().value + 1'000});
  EXPECT_TRUE(Find(made.secret));
  store_.clock.Advance(1'000);
  EXPECT_FALSE(Find(made.secret));
  EXPECT_EQ(*Do([&](Tx& tx) { return CountUsableKeys(tx, store_.clock.Now()); }), 0);
}

TEST_P(KeysTest, ASessionEndsWithTimeWithItsKeyAndWhenAsked) {
  const CreatedKey made = Make("viewer");
  const auto open = [&] {
    return *Do([&](Tx& tx) { return CreateSession(tx, made.key, store_.environment); });
  };
  const CreatedSession timed = open();
  ASSERT_TRUE(FindByToken(timed.token));
  EXPECT_NE(timed.token, timed.session.csrf_token);
  store_.clock.Advance(kSessionMs);
  EXPECT_FALSE(FindByToken(timed.token));
  EXPECT_EQ(*Do([&](Tx& tx) { return ExpireSessions(tx, store_.clock.Now()); }), 1);
  const CreatedSession ended = open();
  ASSERT_TRUE(Do([&](Tx& tx) { return EndSession(tx, ended.session.id); }));
  EXPECT_FALSE(FindByToken(ended.token));
  const CreatedSession of_key = open();
  ASSERT_TRUE(Do([&](Tx& tx) { return RevokeKey(tx, made.key.id, store_.clock.Now()); }));
  EXPECT_FALSE(FindByToken(of_key.token));
}

TEST_P(KeysTest, BadKeysAreNotMade) {
  const auto make = [&](NewKey key) {
    return Do([&](Tx& tx) { return CreateKey(tx, key, store_.environment); }).has_value();
  };
  EXPECT_TRUE(make({"n", "admin", {"read:*", "*:videos", "read:videos:*", "read:jobs:7-a"}, {}}));
  EXPECT_FALSE(make({"n", "owner", {}, {}}));
  EXPECT_FALSE(make({" \t", "admin", {}, {}}));
  for (const char* scope : {"", "read", ":", "read:", ":videos", "Read:videos",
                            "read:videos:", "read:videos:a b", "a:b:c:d"}) {
    EXPECT_FALSE(make({"n", "admin", {scope}, {}})) << scope;
  }
}

TEST_P(KeysTest, KeysAreListedNewestFirstPageByPage) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    made.push_back(Make("viewer").key.id.str());
    store_.clock.Advance(1);
  }
  std::vector<std::string> listed;
  PageRequest page{.limit = 2, .offset = 0, .after = {}};
  do {
    const auto keys = *Do([&](Tx& tx) { return ListKeys(tx, page); });
    EXPECT_EQ(keys.total, 5);
    for (const ApiKey& key : keys.items) listed.push_back(key.id.str());
    page.after = keys.after;
  } while (!page.after.empty());
  std::ranges::reverse(made);
  EXPECT_EQ(listed, made);
}

TEST(MayDo, ARoleHasWhatThoseBeforeItHave) {
  EXPECT_TRUE(MayDo("viewer", {}, {"read", "videos"}));
  EXPECT_FALSE(MayDo("viewer", {}, {"write", "videos"}));
  EXPECT_TRUE(MayDo("editor", {}, {"delete", "videos"}));
  EXPECT_FALSE(MayDo("editor", {}, {"write", "jobs"}));
  EXPECT_FALSE(MayDo("operator", {}, {"read", "keys"}));
  EXPECT_TRUE(MayDo("admin", {}, {"write", "keys"}));
  EXPECT_FALSE(MayDo("nobody", {}, {"read", "videos"}));
}

TEST(MayDo, ScopesNarrowAndNeverWiden) {
  EXPECT_TRUE(MayDo("admin", {"read:*"}, {"read", "keys"}));
  EXPECT_FALSE(MayDo("admin", {"read:*"}, {"write", "keys"}));
  EXPECT_FALSE(MayDo("viewer", {"*:*"}, {"write", "videos"}));
  EXPECT_FALSE(MayDo("admin", {"read:videos:0192"}, {"read", "videos"}));
}

TEST(MayGrant, NobodyGivesMoreThanTheyHave) {
  ApiKey admin, narrow;
  admin.role = narrow.role = "admin";
  narrow.scopes = {"read:keys", "write:keys"};
  EXPECT_TRUE(MayGrant(admin, "admin", {}));
  EXPECT_FALSE(MayGrant(narrow, "viewer", {}));
  EXPECT_FALSE(MayGrant(narrow, "admin", {"*:*"}));
  EXPECT_TRUE(MayGrant(narrow, "admin", {"read:keys"}));
}

}  // namespace
}  // namespace narralytica::access
