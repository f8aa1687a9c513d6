// For tests: what a schema says, in words that mean the same on every database.
//
// One line for every column, key, index and reference, without what only one database has (names of
// constraints, row-level security, collations, domains: a column of one is of the type beneath, and
// checked). Checks are counted: each database spells their conditions in its own way.
#pragma once

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

#include "platform/sql/sql.hpp"

namespace narralytica::platform {
namespace catalog {

// table, column, type, required, default
inline constexpr Statement kColumns{
    "catalog.columns",
    "SELECT m.name, c.name, c.type, c.\"notnull\" OR c.pk > 0 AS required,"
    " COALESCE(c.dflt_value, '') FROM sqlite_schema m, pragma_table_info(m.name) c"
    " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
    "SELECT t.relname::text, a.attname::text, COALESCE(b.typname, y.typname)::text, a.attnotnull,"
    " COALESCE(replace(pg_get_expr(d.adbin, d.adrelid), '::text', ''), '')"
    " FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = y.typbasetype"
    " LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum"
    " WHERE t.relkind = 'r' AND n.nspname = current_schema()"};
// view, column
inline constexpr Statement kViews{
    "catalog.views",
    "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
    " WHERE m.type = 'view'",
    "SELECT t.relname::text, a.attname::text FROM pg_class t"
    " JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_attribute a ON a.attrelid = t.oid"
    " WHERE t.relkind = 'v' AND a.attnum > 0 AND n.nspname = current_schema()"};
// table, index (not shown), shown name, unique, partial, column with its direction; in key order
inline constexpr Statement kIndexes{
    "catalog.indexes",
    "SELECT m.name, l.name, CASE l.origin WHEN 'c' THEN l.name ELSE '' END, l.\"unique\","
    " l.partial, x.name || CASE x.\"desc\" WHEN 1 THEN ' desc' ELSE '' END"
    " FROM sqlite_schema m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) x"
    " WHERE m.type = 'table' AND l.origin <> 'pk' AND x.key = 1 ORDER BY m.name, l.name, x.seqno",
    "SELECT t.relname::text, i.relname::text,"
    " CASE WHEN c.oid IS NULL THEN i.relname::text ELSE '' END, x.indisunique,"
    " x.indpred IS NOT NULL, a.attname || CASE k.option & 1 WHEN 1 THEN ' desc' ELSE '' END"
    " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid"
    " JOIN pg_namespace n ON n.oid = t.relnamespace"
    " LEFT JOIN pg_constraint c ON c.conindid = i.oid AND c.contype = 'u'"
    " CROSS JOIN LATERAL unnest(x.indkey::int[], x.indoption::int[])"
    " WITH ORDINALITY AS k (attribute, option, place)"
    " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attribute"
    " WHERE n.nspname = current_schema() AND NOT x.indisprimary"
    " ORDER BY t.relname, i.relname, k.place"};
// table, column; in key order
inline constexpr Statement kPrimaryKeys{
    "catalog.primary_keys",
    "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
    " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.pk > 0 ORDER BY m.name, c.pk",
    "SELECT t.relname::text, a.attname::text FROM pg_index x"
    " JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
    " CROSS JOIN LATERAL unnest(x.indkey::int[]) WITH ORDINALITY AS k (attribute, place)"
    " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attribute"
    " WHERE n.nspname = current_schema() AND x.indisprimary ORDER BY t.relname, k.place"};
// table, column, other table, its column
inline constexpr Statement kReferences{
    "catalog.references",
    "SELECT m.name, f.\"from\", f.\"table\", f.\"to\""
    " FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
    "SELECT t.relname::text, a.attname::text, o.relname::text, b.attname::text"
    " FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
    " JOIN pg_class o ON o.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace"
    " CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (mine, other)"
    " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.mine"
    " JOIN pg_attribute b ON b.attrelid = o.oid AND b.attnum = k.other"
    " WHERE c.contype = 'f' AND n.nspname = current_schema()"};
// table, number of checks
inline constexpr Statement kChecks{
    "catalog.checks",
    "SELECT name, (LENGTH(sql) - LENGTH(REPLACE(sql, 'CHECK (', ''))) / 7 FROM sqlite_schema"
    " WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "SELECT t.relname::text, COUNT(c.oid) + (SELECT COUNT(*) FROM pg_attribute a"
    " JOIN pg_constraint d ON d.contypid = a.atttypid WHERE a.attrelid = t.oid) FROM pg_class t"
    " JOIN pg_namespace n ON n.oid = t.relnamespace"
    " LEFT JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'c'"
    " WHERE t.relkind = 'r' AND n.nspname = current_schema() GROUP BY t.relname, t.oid"};

inline std::string TypeName(const std::string& type) {
  static const std::map<std::string, std::string> names{{"int8", "INTEGER"},
                                                        {"text", "TEXT"},
                                                        {"float8", "REAL"},
                                                        {"bytea", "BLOB"},
                                                        {"BIGINT", "INTEGER"}};
  const auto found = names.find(type);
  return found == names.end() ? type : found->second;
}

inline std::string Shown(const Row& row, size_t column) {
  return column == 3 || column == 4 ? std::to_string(row.Int(column)) : row.Text(column);
}

// Rows that agree in all columns before `last`, which are joined by bars; their last ones joined by
// commas, in order.
inline std::map<std::string, std::string> Joined(const Rows& rows, size_t last) {
  std::map<std::string, std::string> joined;
  for (const Row& row : rows) {
    std::string key;
    for (size_t i = 0; i < last; ++i) key += Shown(row, i) + "|";
    std::string& columns = joined[key];
    columns += (columns.empty() ? "" : ", ") + row.Text(last);
  }
  return joined;
}

}  // namespace catalog

using CatalogLines = std::set<std::string>;

inline Result<CatalogLines> LogicalCatalog(SqlTransaction& transaction) {
  CatalogLines lines;
  NRL_TRY(const Rows columns, transaction.Query(catalog::kColumns, {}));
  for (const Row& row : columns) {
    lines.insert(fmt::format("column {}.{} {}{} default '{}'", row.Text(0), row.Text(1),
                             catalog::TypeName(row.Text(2)), row.Int(3) != 0 ? " required" : "",
                             row.Text(4)));
  }
  NRL_TRY(const Rows views, transaction.Query(catalog::kViews, {}));
  for (const Row& row : views) lines.insert("view " + row.Text(0) + "." + row.Text(1));
  NRL_TRY(const Rows keys, transaction.Query(catalog::kPrimaryKeys, {}));
  for (const auto& [table, key] : catalog::Joined(keys, 1)) {
    lines.insert("primary key " + table + key);
  }
  NRL_TRY(const Rows indexes, transaction.Query(catalog::kIndexes, {}));
  for (const auto& [index, key] : catalog::Joined(indexes, 5)) {
    // What stands between the first two bars is a name that the database may have made up.
    const size_t first = index.find('|');
    lines.insert("index " + index.substr(0, first) + index.substr(index.find('|', first + 1)) +
                 key);
  }
  NRL_TRY(const Rows references, transaction.Query(catalog::kReferences, {}));
  for (const Row& row : references) {
    lines.insert(fmt::format("reference {}.{} to {}.{}", row.Text(0), row.Text(1), row.Text(2),
                             row.Text(3)));
  }
  NRL_TRY(const Rows checks, transaction.Query(catalog::kChecks, {}));
  for (const Row& row : checks) {
    lines.insert(fmt::format("{} has {} checks", row.Text(0), row.Int(1)));
  }
  return lines;
}

}  // namespace narralytica::platform
