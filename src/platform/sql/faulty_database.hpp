// For tests: a database whose calls go through a FaultPlan.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "platform/fault_plan.hpp"
#include "platform/sql/sql.hpp"

namespace narralytica::platform {

class FaultyDatabase final : public Database {
 public:
  FaultyDatabase(std::unique_ptr<Database> database, FaultPlan& plan)
      : database_(std::move(database)), plan_(plan) {}

  Result<std::unique_ptr<SqlTransaction>> Begin(SqlAccess access) override {
    return plan_.Through("begin", [&]() -> Result<std::unique_ptr<SqlTransaction>> {
      NRL_TRY(auto transaction, database_->Begin(access));
      return std::make_unique<Transaction>(plan_, std::move(transaction));
    });
  }
  SqlDialect dialect() const override { return database_->dialect(); }
  Status CopyTo(const std::string& path) override { return database_->CopyTo(path); }
  Status CheckIntegrity() override { return database_->CheckIntegrity(); }

 private:
  class Transaction final : public SqlTransaction {
   public:
    Transaction(FaultPlan& plan, std::unique_ptr<SqlTransaction> inner)
        : plan_(plan), inner_(std::move(inner)) {}
    Result<Rows> Query(const Statement& statement, const SqlParams& params) override {
      return Through(statement.name, [&] { return inner_->Query(statement, params); });
    }
    Result<int64_t> Execute(const Statement& statement, const SqlParams& params) override {
      return Through(statement.name, [&] { return inner_->Execute(statement, params); });
    }
    Status ExecuteScript(std::string_view script) override { return inner_->ExecuteScript(script); }
    Status Commit() override {
      return Through("commit", [&] { return inner_->Commit(); });
    }

   private:
    // As the port says: what failed once spoils what follows.
    template <typename Call>
    auto Through(std::string_view name, Call call) -> decltype(call()) {
      if (spoiled_) return Fail(*spoiled_);
      auto outcome = plan_.Through(name, call);
      if (!outcome) spoiled_ = outcome.error();
      return outcome;
    }

    FaultPlan& plan_;
    const std::unique_ptr<SqlTransaction> inner_;
    std::optional<Error> spoiled_;
  };

  const std::unique_ptr<Database> database_;
  FaultPlan& plan_;
};

}  // namespace narralytica::platform
