#include "access/keys.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/hash.hpp"

namespace narralytica::access {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

#define NRL_KEY_COLUMNS                                                                        \
  "k.id, k.tenant_id, k.name, k.role, k.scopes, k.prefix, k.created_at_ms, k.last_used_at_ms," \
  " k.expires_at_ms, k.revoked_at_ms"

constexpr Statement kInsertKey{
    "api_keys.insert",
    "INSERT INTO api_keys (id, tenant_id, name, role, scopes, prefix, secret_sha256, created_at_ms,"
    " expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
constexpr Statement kListKeys{"api_keys.list",
                              "SELECT " NRL_KEY_COLUMNS
                              " FROM api_keys k WHERE k.tenant_id = $1 AND ($2 = '' OR k.id < $2)"
                              " ORDER BY k.id DESC LIMIT $3 OFFSET $4"};
constexpr Statement kCountKeys{"api_keys.count",
                               "SELECT COUNT(*) FROM api_keys WHERE tenant_id = $1"};
constexpr Statement kCountUsable{
    "api_keys.count_usable",
    "SELECT COUNT(*) FROM api_keys WHERE tenant_id = $1 AND revoked_at_ms IS NULL"
    " AND (expires_at_ms IS NULL OR expires_at_ms > $2)"};
constexpr Statement kRevoke{"api_keys.revoke",
                            "UPDATE api_keys SET revoked_at_ms = COALESCE(revoked_at_ms, $3)"
                            " WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kEndSessionsOfKey{"sessions.end_of_key",
                                      "DELETE FROM sessions WHERE tenant_id = $1 AND key_id = $2"};
constexpr Statement kFindKey{
    "api_keys.find", "SELECT " NRL_KEY_COLUMNS
                     " FROM api_keys k WHERE k.secret_sha256 = $1 AND k.revoked_at_ms IS NULL"
                     " AND (k.expires_at_ms IS NULL OR k.expires_at_ms > $2)"};
constexpr Statement kNoteUse{"api_keys.note_use",
                             "UPDATE api_keys SET last_used_at_ms = $3"
                             " WHERE tenant_id = $1 AND id = $2"
                             " AND COALESCE(last_used_at_ms, 0) < $3 - 60000"};
constexpr Statement kInsertSession{
    "sessions.insert",
    "INSERT INTO sessions (id, tenant_id, key_id, token_sha256, csrf_token, created_at_ms,"
    " expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)"};
constexpr Statement kFindSession{
    "sessions.find",
    "SELECT " NRL_KEY_COLUMNS
    ", s.id, s.csrf_token, s.created_at_ms, s.expires_at_ms"
    " FROM sessions s JOIN api_keys k ON k.id = s.key_id AND k.tenant_id = s.tenant_id"
    " WHERE s.token_sha256 = $1 AND s.expires_at_ms > $2 AND k.revoked_at_ms IS NULL"
    " AND (k.expires_at_ms IS NULL OR k.expires_at_ms > $2)"};
constexpr Statement kEndSession{"sessions.end",
                                "DELETE FROM sessions WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kExpireSessions{"sessions.expire",
                                    "DELETE FROM sessions WHERE tenant_id = $1"
                                    " AND expires_at_ms <= $2"};

constexpr size_t kSecretBytes = 20;
constexpr size_t kPrefixBytes = 4;
constexpr size_t kScopeBytesMax = 200;

// What each role adds to the one before it.
struct Grant {
  std::string_view role;
  std::vector<std::string_view> permissions;
};
const std::array<Grant, 4>& Grants() {
  static const std::array<Grant, 4> grants{
      Grant{"viewer",
            {"read:videos", "read:transcripts", "read:search", "read:jobs", "read:changes",
             "read:sources", "read:people"}},
      Grant{"editor",
            {"write:videos", "delete:videos", "write:uploads", "write:sources", "write:people"}},
      Grant{"operator", {"write:jobs"}},
      Grant{"admin", {"read:keys", "write:keys", "delete:people"}}};
  return grants;
}

bool IsRole(std::string_view role) {
  return std::ranges::any_of(Grants(), [&](const Grant& grant) { return grant.role == role; });
}

std::string RandomHex(size_t bytes, Environment environment) {
  std::vector<uint8_t> random(bytes);
  environment.random.Fill(random);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : random) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::optional<UtcMs> MaybeTime(const Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return UtcMs{row.Int(column)};
}

ApiKey ReadKey(const Row& row) {
  return {KeyId::FromTrusted(row.Text(0)),
          TenantId::FromTrusted(row.Text(1)),
          row.Text(2),
          row.Text(3),
          nlohmann::json::parse(row.Text(4)).get<std::vector<std::string>>(),
          row.Text(5),
          UtcMs{row.Int(6)},
          MaybeTime(row, 7),
          MaybeTime(row, 8),
          MaybeTime(row, 9)};
}

struct ParsedScope {
  std::string_view action, resource, rest;  // rest: "" or "*" for all of the resource
};

std::optional<ParsedScope> ParseScope(std::string_view scope) {
  const auto is_word = [](std::string_view word) {
    return word == "*" || (!word.empty() && std::ranges::all_of(word, [](char c) {
             return (c >= 'a' && c <= 'z') || c == '_';
           }));
  };
  const size_t colon = scope.find(':');
  if (scope.size() > kScopeBytesMax || colon == std::string_view::npos) return std::nullopt;
  const size_t second = std::min(scope.find(':', colon + 1), scope.size());
  const ParsedScope parsed{scope.substr(0, colon), scope.substr(colon + 1, second - colon - 1),
                           scope.substr(std::min(second + 1, scope.size()))};
  const bool rest_ok = std::ranges::all_of(parsed.rest, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '*' || c == '-';
  });
  const bool rest_given = second < scope.size();
  if (!is_word(parsed.action) || !is_word(parsed.resource) || !rest_ok) return std::nullopt;
  if (rest_given && parsed.rest.empty()) return std::nullopt;
  return parsed;
}

// A scope of single things ("read:videos:<id>") covers nothing yet: no route asks for one.
bool Covers(const std::string& scope, Permission permission) {
  const auto parsed = ParseScope(scope);
  return parsed && (parsed->rest.empty() || parsed->rest == "*") &&
         (parsed->action == "*" || parsed->action == permission.action) &&
         (parsed->resource == "*" || parsed->resource == permission.resource);
}

}  // namespace

Result<CreatedKey> CreateKey(Tx& tx, const NewKey& wanted, Environment environment) {
  if (!IsRole(wanted.role)) {
    return Fail(ErrorCode::kInvalid, "role is not viewer, editor, operator or admin");
  }
  if (wanted.name.find_first_not_of(" \t\r\n") == std::string::npos ||
      wanted.name.size() > kKeyNameBytesMax) {
    return Fail(ErrorCode::kInvalid, "name must have 1 to 100 characters",
                "name what or whom the key is for");
  }
  if (!std::ranges::all_of(wanted.scopes,
                           [](const auto& s) { return ParseScope(s).has_value(); })) {
    return Fail(ErrorCode::kInvalid, "a scope is not action:resource");
  }
  CreatedKey created;
  ApiKey& key = created.key;
  key = {.id = KeyId::New(environment),
         .tenant = tx.tenant(),
         .name = wanted.name,
         .role = wanted.role,
         .scopes = wanted.scopes,
         .prefix = {},
         .created_at = environment.clock.Now(),
         .last_used_at = {},
         .expires_at = wanted.expires_at,
         .revoked_at = {}};
  key.prefix = "nrl_" + RandomHex(kPrefixBytes, environment);
  created.secret = key.prefix + "_" + RandomHex(kSecretBytes, environment);
  platform::SqlValue expires;
  if (key.expires_at) expires = key.expires_at->value;
  NRL_CHECK(tx.Execute(kInsertKey, key.id, key.tenant, key.name, key.role,
                       nlohmann::json(key.scopes).dump(), key.prefix, Sha256Hex(created.secret),
                       key.created_at, expires));
  return created;
}

Result<Page<ApiKey>> ListKeys(Tx& tx, const PageRequest& page) {
  NRL_TRY(const Rows counted, tx.Query(kCountKeys, tx.tenant()));
  NRL_TRY(const Rows rows,
          tx.Query(kListKeys, tx.tenant(), page.after, page.limit + 1, page.offset));
  std::vector<ApiKey> keys;
  for (const Row& row : rows) keys.push_back(ReadKey(row));
  return CutPage(std::move(keys), page, counted[0].Int(0),
                 [](const ApiKey& key) { return key.id.str(); });
}

Status RevokeKey(Tx& tx, const KeyId& key, UtcMs now) {
  NRL_TRY(const int64_t revoked, tx.Execute(kRevoke, tx.tenant(), key, now));
  if (revoked == 0) return Fail(ErrorCode::kNotFound, "key " + key.str() + " does not exist");
  NRL_CHECK(tx.Execute(kEndSessionsOfKey, tx.tenant(), key));
  return {};
}

Result<int64_t> CountUsableKeys(Tx& tx, UtcMs now) {
  NRL_TRY(const Rows rows, tx.Query(kCountUsable, tx.tenant(), now));
  return rows[0].Int(0);
}

Result<CreatedSession> CreateSession(Tx& tx, const ApiKey& key, Environment environment) {
  CreatedSession created;
  const UtcMs now = environment.clock.Now();
  created.session = {SessionId::New(environment), key, RandomHex(kSecretBytes, environment), now,
                     UtcMs{now.value + kSessionMs}};
  created.token = RandomHex(kSecretBytes, environment);
  NRL_CHECK(tx.Execute(kInsertSession, created.session.id, tx.tenant(), key.id,
                       Sha256Hex(created.token), created.session.csrf_token, now,
                       created.session.expires_at));
  return created;
}

Status EndSession(Tx& tx, const SessionId& session) {
  NRL_CHECK(tx.Execute(kEndSession, tx.tenant(), session));
  return {};
}

Result<std::optional<ApiKey>> FindKey(Tx& tx, std::string_view secret, UtcMs now) {
  NRL_TRY(const Rows rows, tx.Query(kFindKey, Sha256Hex(secret), now));
  if (rows.empty()) return std::nullopt;
  return ReadKey(rows[0]);
}

Result<std::optional<Session>> FindSession(Tx& tx, std::string_view token, UtcMs now) {
  NRL_TRY(const Rows rows, tx.Query(kFindSession, Sha256Hex(token), now));
  if (rows.empty()) return std::nullopt;
  const Row& row = rows[0];
  return Session{SessionId::FromTrusted(row.Text(10)), ReadKey(row), row.Text(11),
                 UtcMs{row.Int(12)}, UtcMs{row.Int(13)}};
}

Status NoteKeyUse(Tx& tx, const ApiKey& key, UtcMs now) {
  NRL_CHECK(tx.Execute(kNoteUse, key.tenant, key.id, now));
  return {};
}

Result<int64_t> ExpireSessions(Tx& tx, UtcMs now) {
  return tx.Execute(kExpireSessions, tx.tenant(), now);
}

std::vector<std::string> PermissionsOf(std::string_view role) {
  std::vector<std::string> permissions;
  for (const Grant& grant : Grants()) {
    permissions.insert(permissions.end(), grant.permissions.begin(), grant.permissions.end());
    if (grant.role == role) return permissions;
  }
  return {};
}

bool MayDo(std::string_view role, const std::vector<std::string>& scopes, Permission permission) {
  const std::string wanted =
      std::string(permission.action) + ":" + std::string(permission.resource);
  const std::vector<std::string> granted = PermissionsOf(role);
  if (std::ranges::find(granted, wanted) == granted.end()) return false;
  return scopes.empty() || std::ranges::any_of(scopes, [&](const std::string& scope) {
           return Covers(scope, permission);
         });
}

bool MayGrant(const ApiKey& giver, std::string_view role, const std::vector<std::string>& scopes) {
  return std::ranges::all_of(PermissionsOf(role), [&](const std::string& text) {
    const size_t colon = text.find(':');
    const Permission permission{std::string_view(text).substr(0, colon),
                                std::string_view(text).substr(colon + 1)};
    return !MayDo(role, scopes, permission) || MayDo(giver.role, giver.scopes, permission);
  });
}

}  // namespace narralytica::access
