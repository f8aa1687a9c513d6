// Row-level security, on a role that it binds: a statement that forgets its tenant leaks nothing.
#include "access/tx.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "access/idempotency.hpp"
#include "platform/sql/test_databases.hpp"

namespace narralytica::access {
namespace {

using platform::Database;
using platform::Rows;
using platform::SqlAccess;
using platform::SqlDialect;
using platform::Statement;

struct TenantRow {
  const char* table;
  const char* insert;  // $1: the tenant, and part of every key
};

// A row of every table that belongs to tenants; parents first.
constexpr TenantRow kRows[] = {
    {"tenants", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, $1, 0)"},
    {"idempotency_keys",
     "INSERT INTO idempotency_keys (tenant_id, operation, key, request_sha256, answer,"
     " created_at_ms) VALUES ($1, 'o', 'k', '', '', 0)"},
    {"jobs",
     "INSERT INTO jobs (id, tenant_id, type, video_id, status, payload, priority, trace, run_at_ms,"
     " attempts_max, created_at_ms, queued_at_ms, updated_at_ms)"
     " VALUES ($1 || 'j', $1, 'ingest', 'v', 'queued', '', 0, '', 0, 1, 0, 0, 0)"},
    {"job_runs",
     "INSERT INTO job_runs (id, tenant_id, job_id, attempt, lease_epoch, worker_id, status,"
     " started_at_ms) VALUES ($1 || 'r', $1, $1 || 'j', 1, 1, 'w', '', 0)"},
    {"job_events",
     "INSERT INTO job_events (id, tenant_id, job_id, event_type, payload, created_at_ms)"
     " VALUES ($1 || 'e', $1, $1 || 'j', '', '', 0)"},
    {"job_checkpoints",
     "INSERT INTO job_checkpoints (tenant_id, job_id, part, body) VALUES ($1, $1 || 'j', 0, '')"},
    {"changes",
     "INSERT INTO changes (tenant_id, entity, entity_id, op, created_at_ms)"
     " VALUES ($1, 'video', 'v', 'put', 0)"},
    {"videos",
     "INSERT INTO videos (id, tenant_id, status, title, created_at_ms, updated_at_ms)"
     " VALUES ($1 || 'v', $1, 'queued', '', 0, 0)"},
    {"sources",
     "INSERT INTO sources (id, tenant_id, video_id, kind, locator, created_at_ms)"
     " VALUES ($1 || 's', $1, $1 || 'v', 'upload', '', 0)"},
    {"artifacts",
     "INSERT INTO artifacts (id, tenant_id, video_id, kind, object_key, sha256, bytes,"
     " content_type, created_at_ms) VALUES ($1 || 'a', $1, $1 || 'v', '', '', '', 0, '', 0)"},
    {"transcripts",
     "INSERT INTO transcripts (id, tenant_id, video_id, version, engine, model, model_hash,"
     " settings_hash, language, words_object_key, words_sha256, words_bytes, words_count,"
     " created_at_ms) VALUES ($1 || 't', $1, $1 || 'v', 1, '', '', '', '', '', '', '', 0, 0, 0)"},
    {"segments",
     "INSERT INTO segments (id, tenant_id, video_id, transcript_id, segment_index, start_ms,"
     " end_ms, text, language, confidence)"
     " VALUES ($1 || 'g', $1, $1 || 'v', $1 || 't', 0, 0, 1, '', '', 1)"},
    {"diarizations",
     "INSERT INTO diarizations (id, tenant_id, video_id, version, model, model_hash, settings_hash,"
     " created_at_ms) VALUES ($1 || 'd', $1, $1 || 'v', 1, '', '', '', 0)"},
    {"speakers",
     "INSERT INTO speakers (id, tenant_id, video_id, diarization_id, speaker_index, label,"
     " speech_ms, created_at_ms) VALUES ($1 || 'p', $1, $1 || 'v', $1 || 'd', 0, '', 0, 0)"},
    {"speaker_turns",
     "INSERT INTO speaker_turns (tenant_id, diarization_id, turn_index, speaker_id, start_ms,"
     " end_ms, confidence) VALUES ($1, $1 || 'd', 0, $1 || 'p', 0, 1, 1)"},
    {"people",
     "INSERT INTO people (id, tenant_id, created_at_ms, updated_at_ms)"
     " VALUES ($1 || 'q', $1, 0, 0)"},
    {"voiceprints",
     "INSERT INTO voiceprints (id, tenant_id, speaker_id, model, model_hash, sealed, speech_ms,"
     " created_at_ms) VALUES ($1 || 'w', $1, $1 || 'p', '', '', '', 0, 0)"},
    {"voice_keys",
     "INSERT INTO voice_keys (voiceprint_id, tenant_id, secret) VALUES ($1 || 'w', $1, '')"},
    {"identity_events",
     "INSERT INTO identity_events (id, tenant_id, kind, actor, created_at_ms)"
     " VALUES ($1 || 'e', $1, 'create', '', 0)"},
    {"identity_changes",
     "INSERT INTO identity_changes (tenant_id, event_id, change_index, kind, row_id)"
     " VALUES ($1, $1 || 'e', 0, '', '')"},
    {"identity_rejections",
     "INSERT INTO identity_rejections (tenant_id, speaker_id, person_id, created_at_ms)"
     " VALUES ($1, $1 || 'p', $1 || 'q', 0)"},
    {"vectors",
     "INSERT INTO vectors (id, tenant_id, video_id, transcript_id, model, model_hash, object_key,"
     " count, created_at_ms) VALUES ($1 || 'x', $1, $1 || 'v', $1 || 't', '', '', '', 0, 0)"},
    {"api_keys",
     "INSERT INTO api_keys (id, tenant_id, name, role, prefix, secret_sha256, created_at_ms)"
     " VALUES ($1 || 'k', $1, '', 'viewer', '', $1, 0)"},
    {"sessions",
     "INSERT INTO sessions (id, tenant_id, key_id, token_sha256, csrf_token, created_at_ms,"
     " expires_at_ms) VALUES ($1 || 's', $1, $1 || 'k', $1, '', 0, 0)"},
    {"uploads",
     "INSERT INTO uploads (id, tenant_id, bytes_total, metadata, created_at_ms, expires_at_ms)"
     " VALUES ($1 || 'u', $1, 1, '', 0, 0)"},
    {"feeds",
     "INSERT INTO feeds (id, tenant_id, kind, locator, poll_interval_s, next_poll_at_ms,"
     " created_at_ms) VALUES ($1 || 'f', $1, 'feed', $1, 1, 0, 0)"},
    {"feed_items",
     "INSERT INTO feed_items (tenant_id, feed_id, item_key, state, mark, seen_at_ms)"
     " VALUES ($1, $1 || 'f', '', 'seen', '', 0)"},
};

// What the worker, and whoever looks a caller up, reaches over all tenants, and nothing else.
const std::set<std::string> kSystemTables{"jobs",    "job_runs", "job_events", "job_checkpoints",
                                          "changes", "api_keys", "sessions",   "feeds"};

const Scope kAnn{TenantId::FromTrusted("ann"), "test", {}};
const Scope kBob{TenantId::FromTrusted("bob"), "test", {}};

// Statements are made of their text here; `name` is the table.
Statement Make(const std::string& text) { return {"test", text.c_str()}; }

class RowSecurity : public testing::Test {
 protected:
  void SetUp() override {
    for (const Scope& scope : {kAnn, kBob}) {
      for (const TenantRow& row : kRows) {
        const Status added = Write(*database_, scope, [&](Tx& tx) -> Status {
          NRL_CHECK(tx.Execute(Statement{row.table, row.insert}, tx.tenant()));
          return {};
        });
        ASSERT_TRUE(added) << row.table << ": " << added.error().cause;
      }
    }
  }

  // The statement that forgot its tenant.
  static Result<int64_t> CountAll(Tx& tx, const std::string& table) {
    const std::string text = "SELECT COUNT(*) FROM " + table;
    NRL_TRY(const Rows rows, tx.Query(Make(text)));
    return rows[0].Int(0);
  }
  int64_t CountAs(const Scope& scope, const std::string& table) {
    return Read(*database_, scope, [&](Tx& tx) { return CountAll(tx, table); }).value();
  }
  static Result<std::set<std::string>> TablesWithoutSecurity(Tx& tx) {
    static constexpr Statement kOpen{
        "test.open", nullptr,
        "SELECT t.relname::text FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace"
        " WHERE t.relkind IN ('r', 'p') AND n.nspname = current_schema()"
        " AND NOT (t.relrowsecurity AND t.relforcerowsecurity)"};
    NRL_TRY(const Rows rows, tx.Query(kOpen));
    std::set<std::string> tables;
    for (const platform::Row& row : rows) tables.insert(row.Text(0));
    return tables;
  }

  std::string url_ = platform::MigratedPostgresUrl();
  std::unique_ptr<Database> database_ = *platform::OpenPostgres({.url = url_});
};

TEST_F(RowSecurity, AForgottenTenantLeaksNothing) {
  for (const TenantRow& row : kRows) {
    EXPECT_EQ(CountAs(kAnn, row.table), 1) << row.table;
    EXPECT_EQ(CountAs({TenantId::FromTrusted("eve"), "test", {}}, row.table), 0) << row.table;
    const std::string update = fmt::format("UPDATE {0} SET created_at_ms = 7", row.table);
    const bool has_time = std::string(row.insert).find(" created_at_ms") != std::string::npos;
    const Status changed = Write(*database_, kAnn, [&](Tx& tx) -> Status {
      if (!has_time) return {};
      NRL_TRY(const int64_t rows, tx.Execute(Make(update)));
      EXPECT_EQ(rows, 1) << row.table;
      return {};
    });
    EXPECT_TRUE(changed) << changed.error().cause;
  }
  EXPECT_EQ(CountAs(kAnn, "dead_letters"), 0);
}

TEST_F(RowSecurity, WithoutAScopeNothingIsVisible) {
  for (const TenantRow& row : kRows) {
    auto raw = std::move(*database_->Begin(SqlAccess::kRead));
    const std::string text = fmt::format("SELECT COUNT(*) FROM {}", row.table);
    EXPECT_EQ(raw->Query(Make(text), {}).value()[0].Int(0), 0) << row.table;
  }
}

TEST_F(RowSecurity, AnothersRowsCannotBeWritten) {
  for (const TenantRow& row : kRows) {
    const auto planted = Write(*database_, kAnn, [&](Tx& tx) -> Status {
      NRL_CHECK(tx.Execute(Statement{row.table, row.insert}, "mallory"));
      return {};
    });
    ASSERT_FALSE(planted) << row.table;
    EXPECT_EQ(planted.error().code, ErrorCode::kDenied) << row.table;
  }
}

TEST_F(RowSecurity, TheSystemScopeReachesItsTablesAlone) {
  for (const TenantRow& row : kRows) {
    EXPECT_EQ(CountAs(SystemScope("test"), row.table), kSystemTables.contains(row.table) ? 2 : 0)
        << row.table;
  }
  const auto register_worker = [&](const Scope& scope) {
    static constexpr Statement kInsert{
        "test.worker",
        "INSERT INTO workers (id, process_id, boot_id, seen_boot_ms, started_at_ms)"
        " VALUES ('w', 1, 'b', 1, 1)"};
    return Write(*database_, scope, [&](Tx& tx) { return tx.Execute(kInsert); });
  };
  EXPECT_EQ(register_worker(kAnn).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(register_worker(SystemScope("test")));
  EXPECT_EQ(CountAs(kAnn, "workers"), 0);
  for (const char* table : {"api_keys", "sessions"}) {
    const std::string update = fmt::format("UPDATE {} SET created_at_ms = 7", table);
    EXPECT_EQ(
        Write(*database_, SystemScope("test"), [&](Tx& tx) { return tx.Execute(Make(update)); })
            .value(),
        0)
        << table << " is only read there";
  }
}

// The negative twin: the counts above see what row-level security hides.
TEST_F(RowSecurity, WithoutTheForceEverythingLeaks) {
  for (const TenantRow& row : kRows) {
    auto tx = std::move(*Tx::Begin(*database_, kAnn, SqlAccess::kWrite));
    const std::string lift = fmt::format("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", row.table);
    ASSERT_TRUE(tx.Execute(Make(lift))) << row.table;
    EXPECT_EQ(CountAll(tx, row.table).value(), 2) << row.table;
  }
}

TEST_F(RowSecurity, EveryTableHasItUnlessItBelongsToNobody) {
  auto tx = std::move(*Tx::Begin(*database_, kAnn, SqlAccess::kWrite));
  EXPECT_THAT(TablesWithoutSecurity(tx).value(),
              testing::UnorderedElementsAre("schema_migrations", "index_generations"));
  ASSERT_TRUE(tx.Execute(Statement{"test", "CREATE TABLE more (tenant_id TEXT)"}));
  EXPECT_THAT(TablesWithoutSecurity(tx).value(), testing::Contains("more")) << "the negative twin";
}

TEST_F(RowSecurity, ThisTestHasARowForEveryTenantsTable) {
  static constexpr Statement kTables{
      "test.tables", nullptr,
      "SELECT c.table_name::text FROM information_schema.columns c"
      " JOIN information_schema.tables t USING (table_schema, table_name)"
      " WHERE c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE'"};
  std::set<std::string> mine;
  for (const TenantRow& row : kRows) mine.insert(row.table);
  mine.erase("tenants");
  auto tx = std::move(*Tx::Begin(*database_, kAnn, SqlAccess::kRead));
  std::set<std::string> tables;
  const Rows rows = tx.Query(kTables).value();
  for (const platform::Row& row : rows) tables.insert(row.Text(0));
  EXPECT_EQ(mine, tables);
}

TEST_F(RowSecurity, AScopeEndsWithItsTransactionWhoeverGetsTheConnection) {
  const std::string name = url_.substr(url_.find("@/") + 2, url_.find('?') - url_.find("@/") - 2);
  for (const std::string& url : {url_, platform::ThrowawayPostgres::Get().BouncerUrl(name)}) {
    const auto shared = std::move(*platform::OpenPostgres({.url = url, .connections_max = 1}));
    const auto other = std::move(*platform::OpenPostgres({.url = url, .connections_max = 1}));
    for (const Scope& scope : {kAnn, SystemScope("test"), kBob}) {
      const auto seen = Read(*shared, scope, [](Tx& tx) { return CountAll(tx, "jobs"); });
      EXPECT_EQ(seen.value(), scope.tenant.empty() ? 2 : 1);
      for (Database* next : {shared.get(), other.get()}) {
        auto raw = std::move(*next->Begin(SqlAccess::kRead));
        static constexpr Statement kCount{"test.count", "SELECT COUNT(*) FROM jobs"};
        EXPECT_EQ(raw->Query(kCount, {}).value()[0].Int(0), 0) << url;
      }
    }
  }
}

class TxTest : public testing::TestWithParam<SqlDialect> {
 protected:
  void SetUp() override {
    static constexpr Statement kTenant{
        "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'ann', 0)"};
    ASSERT_TRUE(Write(*database_, kAnn, [](Tx& tx) { return tx.Execute(kTenant, tx.tenant()); }));
  }
  platform::TemporaryFolder folder_ =
      std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "tx"));
  std::unique_ptr<Database> database_ = platform::FreshDatabase(GetParam(), folder_.path());
};

INSTANTIATE_TEST_SUITE_P(Databases, TxTest, platform::kEveryDialect, platform::DialectLabel);

TEST_P(TxTest, DecisionsUnderOneLockSeeOneAnother) {
  static constexpr Statement kCount{"test.count",
                                    "SELECT COUNT(*) FROM changes WHERE tenant_id = $1"};
  static constexpr Statement kAppend{
      "test.append",
      "INSERT INTO changes (tenant_id, entity, entity_id, op, created_at_ms)"
      " VALUES ($1, 'video', 'v', 'put', $2)"};
  {
    std::vector<std::jthread> deciders;
    for (int i = 0; i < 12; ++i) {
      deciders.emplace_back([&] {
        const Status decided = Write(*database_, kAnn, [&](Tx& tx) -> Status {
          NRL_CHECK(tx.Lock("decision"));
          NRL_TRY(const Rows rows, tx.Query(kCount, tx.tenant()));
          NRL_CHECK(tx.Execute(kAppend, tx.tenant(), rows[0].Int(0)));
          return {};
        });
        EXPECT_TRUE(decided) << decided.error().cause;
      });
    }
  }
  static constexpr Statement kDistinct{
      "test.distinct", "SELECT COUNT(DISTINCT created_at_ms) FROM changes WHERE tenant_id = $1"};
  const auto distinct = Read(*database_, kAnn, [](Tx& tx) -> Result<int64_t> {
    NRL_TRY(const Rows rows, tx.Query(kDistinct, tx.tenant()));
    return rows[0].Int(0);
  });
  EXPECT_EQ(distinct.value(), 12) << "two decided on the same count";
}

TEST_P(TxTest, AWriteThatMetAnotherRunsAgain) {
  const auto mark = [&](const std::string& answer) {
    return Write(*database_, kAnn, [&](Tx& tx) -> Result<std::string> {
      const IdempotentRequest request{"ingest", "key", "request"};
      NRL_TRY(const auto before, FindReplay(tx, request));
      if (before) return *before;
      NRL_CHECK(RecordAnswer(tx, request, answer, UtcMs{0}));
      return answer;
    });
  };
  std::vector<std::string> answers(12);
  {
    std::vector<std::jthread> callers;
    for (std::string& answer : answers) {
      callers.emplace_back([&] {
        const auto marked = mark(std::to_string(&answer - answers.data()));
        ASSERT_TRUE(marked) << marked.error().cause;
        answer = *marked;
      });
    }
  }
  EXPECT_THAT(answers, testing::Each(answers[0])) << "one request has one answer";
}

TEST_P(TxTest, AnIdempotencyKeyIsForOneRequestOfOneTenant) {
  const IdempotentRequest request{"ingest", "key", "request"};
  const auto find = [&](const Scope& scope, const IdempotentRequest& asked) {
    return Read(*database_, scope, [&](Tx& tx) { return FindReplay(tx, asked); });
  };
  EXPECT_FALSE(find(kAnn, request).value());
  ASSERT_TRUE(
      Write(*database_, kAnn, [&](Tx& tx) { return RecordAnswer(tx, request, "{}", UtcMs{5}); }));
  EXPECT_EQ(find(kAnn, request).value(), "{}");
  EXPECT_FALSE(find(kBob, request).value());
  EXPECT_EQ(find(kAnn, {"ingest", "key", "other"}).error().reason, "idempotency_mismatch");
  EXPECT_EQ(Write(*database_, kAnn, [](Tx& tx) { return ExpireKeys(tx, UtcMs{5}); }).value(), 0);
  EXPECT_EQ(Write(*database_, kAnn, [](Tx& tx) { return ExpireKeys(tx, UtcMs{6}); }).value(), 1);
}

TEST_P(TxTest, AGenuineDuplicateIsAConflictWithoutAReason) {
  std::atomic<int> runs = 0;
  const auto twice = Write(*database_, kAnn, [&](Tx& tx) -> Status {
    ++runs;
    const IdempotentRequest request{"ingest", "key", "request"};
    NRL_CHECK(RecordAnswer(tx, request, "{}", UtcMs{0}));
    return RecordAnswer(tx, request, "{}", UtcMs{0});
  });
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::kConflict);
  EXPECT_EQ(twice.error().reason, "");
  EXPECT_LE(runs, kWriteAttemptsMax);
}

}  // namespace
}  // namespace narralytica::access
