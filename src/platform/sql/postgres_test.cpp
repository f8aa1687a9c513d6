// What PostgreSQL alone can do: go away and come back, refuse, hang, ask for passwords and TLS.
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>

#include <fstream>

#include "platform/sql/test_databases.hpp"

namespace narralytica::platform {
namespace {

using std::chrono::milliseconds;

constexpr Statement kOne{"test.one", "SELECT 1"};
constexpr Statement kMake{"test.make", "CREATE TABLE things (id BIGINT PRIMARY KEY, n BIGINT)"};
constexpr Statement kInsert{"test.insert", "INSERT INTO things (id, n) VALUES ($1, 0)"};
constexpr Statement kCount{"test.count", "SELECT COUNT(*) FROM things"};
constexpr Statement kGrow{"test.grow", "UPDATE things SET n = n + 1 WHERE id = $1"};
constexpr Statement kSleep{"test.sleep", "SELECT pg_sleep($1)"};
constexpr Statement kBackend{"test.backend", "SELECT pg_backend_pid()"};

ThrowawayPostgres& Server() { return ThrowawayPostgres::Get(); }

Result<std::unique_ptr<Database>> OpenUrl(const std::string& url) {
  return OpenPostgres({.url = url});
}

std::unique_ptr<Database> WithThings(PostgresOptions options = {}) {
  options.url = Server().CreateDatabase(FreshName());
  auto database = std::move(*OpenPostgres(std::move(options)));
  auto tx = std::move(*database->Begin(SqlAccess::kWrite));
  EXPECT_TRUE(tx->Execute(kMake, {}));
  EXPECT_TRUE(tx->Execute(kInsert, {1}));
  EXPECT_TRUE(tx->Execute(kInsert, {2}));
  EXPECT_TRUE(tx->Commit());
  return database;
}

TEST(Postgres, AServerThatWasRestartedIsFoundAgain) {
  const auto database = WithThings();
  {
    // Two connections that idle.
    const auto one = database->Begin(SqlAccess::kRead);
    const auto two = database->Begin(SqlAccess::kRead);
    ASSERT_TRUE(one && two);
  }
  Server().Stop();
  const auto down = database->Begin(SqlAccess::kRead);
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code, ErrorCode::kUnavailable);
  Server().Start();
  const auto again = database->Begin(SqlAccess::kRead);
  ASSERT_TRUE(again) << again.error().cause;
  EXPECT_EQ((*again)->Query(kCount, {}).value()[0].Int(0), 2);
}

TEST(Postgres, StatementsAloneAreParsedOnceUnlessTheirServerForgetsThem) {
  static constexpr Statement kKept{"test.kept", nullptr,
                                   "SELECT COUNT(*) FROM pg_prepared_statements WHERE $1 = 1"};
  static constexpr Statement kForget{"test.forget", nullptr, "DEALLOCATE ALL"};
  const auto database = WithThings();
  const auto kept = [&] { return database->Once(kKept, {1}).value()[0].Int(0); };
  EXPECT_EQ(kept(), 1) << "itself";
  ASSERT_TRUE(database->Once(kGrow, {1}));
  EXPECT_EQ(kept(), 2);
  ASSERT_TRUE(database->Once(kForget, {}));
  ASSERT_TRUE(database->Once(kGrow, {2})) << "as behind a pooler that changed the server";
  EXPECT_EQ(kept(), 0) << "none is kept where one was forgotten";
}

TEST(Postgres, ATransactionWhoseServerGoesAwayIsUnavailableAndLeavesNothing) {
  const auto database = WithThings();
  auto tx = std::move(*database->Begin(SqlAccess::kWrite));
  ASSERT_TRUE(tx->Execute(kInsert, {3}));
  Server().Stop();
  EXPECT_EQ(tx->Execute(kInsert, {4}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(tx->Commit().error().code, ErrorCode::kUnavailable);
  tx.reset();
  Server().Start();
  auto read = std::move(*database->Begin(SqlAccess::kRead));
  EXPECT_EQ(read->Query(kCount, {}).value()[0].Int(0), 2);
}

TEST(Postgres, LocksAndStatementsEndInTime) {
  const auto database =
      WithThings({.lock_timeout = milliseconds(50), .statement_timeout = milliseconds(300)});
  auto holder = std::move(*database->Begin(SqlAccess::kWrite));
  ASSERT_TRUE(holder->Execute(kGrow, {1}));
  auto waiter = std::move(*database->Begin(SqlAccess::kWrite));
  const auto waited = waiter->Execute(kGrow, {1});
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::kUnavailable);
  auto sleeper = std::move(*database->Begin(SqlAccess::kWrite));
  const auto slept = sleeper->Query(kSleep, {60.0});
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error().code, ErrorCode::kUnavailable);
}

TEST(Postgres, AServerThatStandsStillIsGivenUp) {
  const auto database = WithThings({.statement_timeout = milliseconds(100)});
  auto tx = std::move(*database->Begin(SqlAccess::kWrite));
  const auto backend = static_cast<pid_t>(tx->Query(kBackend, {}).value()[0].Int(0));
  ASSERT_EQ(kill(backend, SIGSTOP), 0);
  const auto stuck = tx->Query(kOne, {});
  ASSERT_FALSE(stuck);
  EXPECT_EQ(stuck.error().code, ErrorCode::kUnavailable);
  tx.reset();
  kill(backend, SIGCONT);
  EXPECT_TRUE(database->Begin(SqlAccess::kRead)) << "on a fresh connection";
}

TEST(Postgres, ADeadlockIsAConflictToTryAgain) {
  const auto database = WithThings();
  auto one = std::move(*database->Begin(SqlAccess::kWrite));
  auto two = std::move(*database->Begin(SqlAccess::kWrite));
  ASSERT_TRUE(one->Execute(kGrow, {1}));
  ASSERT_TRUE(two->Execute(kGrow, {2}));
  Result<int64_t> first = 0;
  std::jthread waits([&] {
    first = one->Execute(kGrow, {2});
    one.reset();
  });
  const auto second = two->Execute(kGrow, {1});
  two.reset();
  waits.join();
  ASSERT_NE(first.has_value(), second.has_value());
  const Error& error = first ? second.error() : first.error();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(error.reason, kTransactionConflict);
}

TEST(Postgres, ARoleThatPoliciesDoNotBindIsRefused) {
  Server().CreateDatabase("roles");
  Server().Sql("CREATE ROLE passer LOGIN BYPASSRLS");
  for (const char* user : {"postgres", "passer"}) {
    const auto opened = OpenUrl(Server().Url("roles", user));
    ASSERT_FALSE(opened) << user;
    EXPECT_EQ(opened.error().reason, "database_role");
    EXPECT_THAT(opened.error().hint, testing::HasSubstr("CREATE ROLE"));
  }
  EXPECT_TRUE(OpenUrl(Server().Url("roles")));
}

TEST(Postgres, ADatabaseInAnotherEncodingIsRefused) {
  Server().Sql(
      "CREATE DATABASE latin OWNER narralytica ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
      " TEMPLATE template0");
  const auto opened = OpenUrl(Server().Url("latin"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(opened.error().hint, testing::HasSubstr("UTF8"));
}

TEST(Postgres, PasswordsAreAcceptedFromFilesAndNeverShown) {
  static constexpr const char* kPassword = "hush%2Fhush";  // "hush/hush" in a URL
  Server().CreateDatabase("secret");
  Server().Sql("CREATE ROLE keeper LOGIN PASSWORD 'hush/hush'");
  const std::string rules = Server().DataFolder() + "/pg_hba.conf";
  const std::string before = ReadFile(rules, 1 << 16).value();
  std::ofstream(rules) << "local all keeper scram-sha-256\n" << before;
  Server().Sql("SELECT pg_reload_conf()");
  const std::string url = Server().Url("secret", "keeper");
  const auto with = [&](const std::string& password) {
    return std::string(url).replace(url.find('@'), 1, ":" + password + "@");
  };
  EXPECT_TRUE(OpenUrl(with(kPassword)));

  const auto folder = TemporaryFolder::Create(testing::TempDir(), "password");
  const std::string file = folder->path() + "/password";
  ASSERT_TRUE(WriteFileAtomically(file, "hush/hush\n"));
  chmod(file.c_str(), 0644);
  EXPECT_EQ(OpenPostgres({.url = url, .password_file = file}).error().code, ErrorCode::kDenied)
      << "others may read it";
  chmod(file.c_str(), 0600);
  EXPECT_TRUE(OpenPostgres({.url = url, .password_file = file}));

  const std::string passes = folder->path() + "/pgpass";
  ASSERT_TRUE(WriteFileAtomically(passes, "*:*:*:keeper:hush/hush\n"));
  chmod(passes.c_str(), 0600);
  setenv("PGPASSFILE", passes.c_str(), 1);
  EXPECT_TRUE(OpenUrl(url));
  unsetenv("PGPASSFILE");

  const auto none = OpenUrl(url);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kDenied);
  EXPECT_THAT(none.error().hint, testing::HasSubstr("PGPASSFILE"));
  for (const char* wrong : {"loudloud", "loud%zzloud", "loud@loud:x/"}) {
    const auto refused = OpenUrl(with(wrong));
    ASSERT_FALSE(refused);
    const Error& error = refused.error();
    EXPECT_THAT(error.message + error.hint + error.cause, testing::Not(testing::HasSubstr("loud")));
  }
}

TEST(Postgres, AVerifiedConnectionNeedsTheRightCertificate) {
  const std::string name = Server().DataFolder() + "/server";
  const std::string make =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
      " -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
      name + ".key -out " + name +
      ".crt 2>/dev/null && chown --reference=" + Server().DataFolder() + " " + name +
      ".* && chmod 600 " + name + ".key";
  ASSERT_EQ(system(make.c_str()), 0);  // NOLINT: a test's own words
  Server().CreateDatabase("tls");
  Server().Stop();
  Server().Start({"listen_addresses=127.0.0.1", "ssl=on"});
  const auto open = [&](const char* host, const std::string& parameters) {
    return OpenUrl(
        fmt::format("postgres://narralytica@{}:{}/tls?{}", host, Server().port(), parameters));
  };
  const std::string root = "&sslrootcert=" + name + ".crt";
  EXPECT_TRUE(open("127.0.0.1", "sslmode=require"));
  const auto verified = open("localhost", "sslmode=verify-full" + root);
  EXPECT_TRUE(verified) << verified.error().cause;
  EXPECT_FALSE(open("127.0.0.1", "sslmode=verify-full" + root)) << "another name";
  EXPECT_FALSE(open("localhost", "sslmode=verify-full&sslrootcert=" + name + ".missing"));
  Server().Stop();
  Server().Start({"listen_addresses=127.0.0.1"});
  EXPECT_FALSE(open("localhost", "sslmode=require")) << "a server without TLS";
  Server().Stop();
  Server().Start();
}

TEST(PostgresUrl, ShowsEverythingButThePassword) {
  const auto url =
      ParsePostgresUrl("postgresql://ann:hush@db.example:5433/speech?sslmode=verify-full");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->shown, "ann@db.example:5433/speech");
  EXPECT_TRUE(url->has_password);
  EXPECT_TRUE(url->tls_verified);
  EXPECT_FALSE(url->is_local);
  EXPECT_TRUE(ParsePostgresUrl("postgres://ann@localhost/speech")->is_local);
  EXPECT_TRUE(ParsePostgresUrl("postgres:///speech?host=/run/postgresql")->is_local);
  EXPECT_FALSE(ParsePostgresUrl("postgres://ann@db/speech?sslmode=require")->tls_verified);
  EXPECT_TRUE(ParsePostgresUrl("postgres://ann@db/speech?password=hush")->has_password);
  for (const char* wrong :
       {"", "speech", "host=db password=hush", "mysql://hush@db/speech",
        "postgres://ann:hush%zz@db/speech", "postgres://ann@db/speech?hush=1"}) {
    const auto refused = ParsePostgresUrl(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(refused.error().message + refused.error().hint + refused.error().cause,
                testing::Not(testing::HasSubstr("hush")));
  }
}

}  // namespace
}  // namespace narralytica::platform
