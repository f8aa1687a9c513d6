// Schema migrations: numbered, embedded in the binary, applied in order, each in one transaction
// together with the record that it was applied, so that none is ever half-applied-and-recorded.
#pragma once

#include <string>
#include <vector>

#include "base/environment.hpp"
#include "platform/sql/sql.hpp"

namespace narralytica::platform {

struct Migration {
  std::string name;     // "0001_core"
  std::string dialect;  // "sqlite" | "postgres"
  std::string up;
  std::string down;
};

// Those of migrations/, sorted by name; made by the build.
const std::vector<Migration>& EmbeddedMigrations();

struct AppliedMigration {
  std::string name;
  UtcMs applied_at;
  bool known = true;  // false: this binary is older than the schema
};

// Applies what is missing, oldest first; returns the names applied now. kConflict when an applied
// migration's text differs from this binary's, or the schema is newer than this binary.
Result<std::vector<std::string>> MigrateUp(Database& database,
                                           const std::vector<Migration>& migrations, Clock& clock);
// Takes back the newest `count` applied migrations, newest first.
Result<std::vector<std::string>> MigrateDown(Database& database,
                                             const std::vector<Migration>& migrations, int count);
Result<std::vector<AppliedMigration>> ListApplied(Database& database,
                                                  const std::vector<Migration>& migrations);

}  // namespace narralytica::platform
