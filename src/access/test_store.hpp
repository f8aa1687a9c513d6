// A fresh database with the default tenant, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "access/tx.hpp"
#include "platform/file.hpp"
#include "platform/sql/test_databases.hpp"

namespace narralytica::access {

class TestStore {
 public:
  explicit TestStore(platform::SqlDialect dialect) {
    folder_.emplace(std::move(*platform::TemporaryFolder::Create(testing::TempDir(), "store")));
    database_ = platform::FreshDatabase(dialect, folder_->path());
    static constexpr platform::Statement kTenant{
        "test.tenant", "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'default', 0)"};
    NRL_ASSERT(Write(*database_, scope, [&](Tx& tx) {
                 return tx.Execute(kTenant, scope.tenant);
               }).has_value());
  }

  platform::Database& database() { return *database_; }
  const std::string& folder() const { return folder_->path(); }

  FakeClock clock{UtcMs{1'700'000'000'000}};
  SeededRandom random{1};
  Environment environment{clock, random};
  Scope scope{DefaultTenant(), "test", "trace-1"};

 private:
  std::optional<platform::TemporaryFolder> folder_;
  std::unique_ptr<platform::Database> database_;
};

}  // namespace narralytica::access
