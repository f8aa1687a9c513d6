// The `api_keys` and `sessions` tables: who calls over HTTP.
//
// A key is "nrl_<8 hex>_<40 hex>", shown once when it is made; only its SHA-256 is kept (the secret
// has 160 random bits, so that no slow hash is needed). A session is what a browser gets for a key:
// a random token in a cookie, and a CSRF token that every writing request repeats in a header.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/page.hpp"
#include "access/tx.hpp"

namespace narralytica {
NRL_ID(KeyId, "key");
NRL_ID(SessionId, "session");
}  // namespace narralytica

namespace narralytica::access {

inline constexpr size_t kKeyNameBytesMax = 400;
inline constexpr int64_t kSessionMs = 12 * 3'600'000;

struct ApiKey {
  KeyId id;
  TenantId tenant;
  std::string name;
  std::string role;                 // "viewer", "editor", "operator", "admin"
  std::vector<std::string> scopes;  // narrows the role; empty: all of it
  std::string prefix;               // the key's beginning, to tell it by
  UtcMs created_at;
  std::optional<UtcMs> last_used_at, expires_at, revoked_at;
};

struct NewKey {
  std::string name;
  std::string role;
  std::vector<std::string> scopes;
  std::optional<UtcMs> expires_at;
};

struct CreatedKey {
  ApiKey key;
  std::string secret;  // never to be had again
};

// kInvalid for an unknown role, a malformed scope or an empty name.
Result<CreatedKey> CreateKey(Tx& tx, const NewKey& key, Environment environment);
Result<Page<ApiKey>> ListKeys(Tx& tx, const PageRequest& page);
// Its sessions end with it. kNotFound without such a key; revoking twice is once.
Status RevokeKey(Tx& tx, const KeyId& key, UtcMs now);
// How many keys can still be used.
Result<int64_t> CountUsableKeys(Tx& tx, UtcMs now);

struct Session {
  SessionId id;
  ApiKey key;
  std::string csrf_token;
  UtcMs created_at, expires_at;
};

struct CreatedSession {
  Session session;
  std::string token;
};

Result<CreatedSession> CreateSession(Tx& tx, const ApiKey& key, Environment environment);
Status EndSession(Tx& tx, const SessionId& session);

// Looked up before the tenant is known, in the system scope. nullopt for what is unknown, revoked
// or expired.
Result<std::optional<ApiKey>> FindKey(Tx& tx, std::string_view secret, UtcMs now);
Result<std::optional<Session>> FindSession(Tx& tx, std::string_view token, UtcMs now);
// Notes the use, at most once a minute.
Status NoteKeyUse(Tx& tx, const ApiKey& key, UtcMs now);
// Forgets the tenant's sessions that are over; returns how many.
Result<int64_t> ExpireSessions(Tx& tx, UtcMs now);

// Whether `role`, narrowed by `scopes`, may do `action` to `resource` ("delete", "videos").
struct Permission {
  std::string_view action;
  std::string_view resource;
};
bool MayDo(std::string_view role, const std::vector<std::string>& scopes, Permission permission);
// Whether a key of that role and scopes could do nothing that `giver` may not do itself.
bool MayGrant(const ApiKey& giver, std::string_view role, const std::vector<std::string>& scopes);
// What a role may do, as "action:resource".
std::vector<std::string> PermissionsOf(std::string_view role);

}  // namespace narralytica::access
