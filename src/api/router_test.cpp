#include "api/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/test_store.hpp"

namespace narralytica::api {
namespace {

class RouterTest : public testing::Test {
 protected:
  void SetUp() override {
    limits_.write_per_minute = 3;
    router_.emplace(RouterParts{store_.database(), store_.environment,
                                platform::Logger::ToStderr("test", platform::LogLevel::kOff),
                                limits_});
    const auto answer = [this](const Request& request, const Caller& caller) -> Result<Response> {
      called_ = request.path_ids;
      caller_ = caller;
      return JsonResponse(200, Json::object());
    };
    router_->Add({.method = "GET", .pattern = "/things", .open = true, .handler = answer});
    router_->Add({.method = "GET",
                  .pattern = "/things/{thing_id}",
                  .permission = {"read", "videos"},
                  .handler = answer});
    router_->Add({.method = "DELETE",
                  .pattern = "/things/{thing_id}",
                  .cost = Cost::kWrite,
                  .permission = {"delete", "videos"},
                  .handler = answer});
    router_->Add({.method = "GET",
                  .pattern = "/throws",
                  .open = true,
                  .handler = [](const Request&, const Caller&) -> Result<Response> {
                    throw std::runtime_error("private");
                  }});
  }

  access::CreatedKey Key(const std::string& role) {
    return *access::Write(store_.database(), store_.scope, [&](access::Tx& tx) {
      return access::CreateKey(tx, {"k", role, {}, {}}, store_.environment);
    });
  }
  int Ask(const std::string& method, const std::string& path,
          std::map<std::string, std::string> headers = {}) {
    called_.reset();
    Request request;
    request.method = method;
    request.path = path;
    request.headers = std::move(headers);
    request.remote_address = "192.0.2.1";
    request.correlation_id = "c-1";
    last_ = router_->Handle(request);
    return last_.status;
  }
  std::map<std::string, std::string> Bearer(const std::string& secret) {
    return {{"authorization", "Bearer " + secret}};
  }

  access::TestStore store_{platform::SqlDialect::kSqlite};
  LimitsConfig limits_;
  std::optional<Router> router_;
  std::optional<std::map<std::string, std::string>> called_;
  Caller caller_;
  Response last_;
};

TEST_F(RouterTest, PathsLeadToTheirRoute) {
  const std::string key = Key("viewer").secret;
  EXPECT_EQ(Ask("GET", "/things"), 200);
  EXPECT_EQ(Ask("GET", "/things/7", Bearer(key)), 200);
  EXPECT_EQ(called_->at("thing_id"), "7");
  EXPECT_EQ(caller_.key.role, "viewer");
  EXPECT_EQ(Ask("HEAD", "/things"), 200);
  for (const char* path : {"/", "/thing", "/things/", "/things/7/x", "/Things"}) {
    EXPECT_NE(Ask("GET", path), 200) << path;
    EXPECT_FALSE(called_ && path != std::string("/things/")) << path;
  }
  EXPECT_EQ(Ask("PUT", "/things/7"), 405);
  EXPECT_EQ(last_.Header("Allow"), "GET, DELETE");
}

TEST_F(RouterTest, OnlyTheFallbackAnswersAtOnce) {
  const auto at_once = [&](const std::string& method, const std::string& path) {
    Request request;
    request.method = method;
    request.path = path;
    return router_->AnswersAtOnce(request);
  };
  EXPECT_FALSE(at_once("GET", "/assets/app.js"));  // there is none yet
  router_->SetFallback([](const Request&) { return JsonResponse(200, Json::object()); });
  EXPECT_TRUE(at_once("GET", "/assets/app.js"));
  EXPECT_TRUE(at_once("HEAD", "/"));
  EXPECT_FALSE(at_once("POST", "/assets/app.js"));
  EXPECT_FALSE(at_once("GET", "/things"));       // a route
  EXPECT_FALSE(at_once("GET", "/throws"));       // likewise
  EXPECT_FALSE(at_once("GET", "/api/v1/none"));  // an error envelope, by a worker
}

TEST_F(RouterTest, NobodyUnknownGetsIn) {
  const access::CreatedKey key = Key("viewer");
  EXPECT_EQ(Ask("GET", "/things/7"), 401);
  EXPECT_EQ(last_.Header("WWW-Authenticate"), "Bearer realm=\"narralytica\"");
  for (const std::string& header :
       {std::string("Bearer "), std::string("Bearer x"), "Basic " + key.secret, key.secret,
        "Bearer " + key.key.prefix, "Bearer  " + key.secret}) {
    EXPECT_EQ(Ask("GET", "/things/7", {{"authorization", header}}), 401) << header;
    EXPECT_FALSE(called_);
  }
  EXPECT_EQ(Ask("GET", "/things/7", {{"authorization", "bEARER " + key.secret}}), 200);
}

TEST_F(RouterTest, ARoleWithoutThePermissionIsRefused) {
  EXPECT_EQ(Ask("DELETE", "/things/7", Bearer(Key("viewer").secret)), 403);
  EXPECT_FALSE(called_);
  EXPECT_EQ(Ask("DELETE", "/things/7", Bearer(Key("editor").secret)), 200);
}

TEST_F(RouterTest, ASessionWritesOnlyWithItsCsrfToken) {
  const access::CreatedKey key = Key("editor");
  const auto session = *access::Write(store_.database(), store_.scope, [&](access::Tx& tx) {
    return access::CreateSession(tx, key.key, store_.environment);
  });
  std::map<std::string, std::string> headers{{"cookie", "narralytica_session=" + session.token}};
  EXPECT_EQ(Ask("GET", "/things/7", headers), 200);
  EXPECT_EQ(Ask("DELETE", "/things/7", headers), 403);
  headers["x-csrf-token"] = std::string(session.session.csrf_token.size(), '0');
  EXPECT_EQ(Ask("DELETE", "/things/7", headers), 403);
  EXPECT_FALSE(called_);
  headers["x-csrf-token"] = session.session.csrf_token;
  EXPECT_EQ(Ask("DELETE", "/things/7", headers), 200);
  EXPECT_TRUE(caller_.session);
}

TEST_F(RouterTest, TooManyRequestsOfOneCallerAreRefusedAndOfAnotherNot) {
  const std::string first = Key("editor").secret;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask("DELETE", "/things/7", Bearer(first)), 200);
  EXPECT_EQ(Ask("DELETE", "/things/7", Bearer(first)), 429);
  EXPECT_EQ(last_.Header("Retry-After"), "20");
  EXPECT_EQ(last_.Header("X-RateLimit-Remaining"), "0");
  EXPECT_EQ(Ask("GET", "/things/7", Bearer(first)), 200);
  EXPECT_EQ(Ask("DELETE", "/things/7", Bearer(Key("editor").secret)), 200);
  store_.clock.Advance(20'000);
  EXPECT_EQ(Ask("DELETE", "/things/7", Bearer(first)), 200);
}

TEST_F(RouterTest, WhatARouteThrowsIsAnInternalErrorWithoutItsCause) {
  EXPECT_EQ(Ask("GET", "/throws"), 500);
  EXPECT_FALSE(std::get<std::string>(last_.body).contains("private"));
}

}  // namespace
}  // namespace narralytica::api
