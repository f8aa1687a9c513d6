-- expand
-- Why: who calls over HTTP is known by a key, or by a browser's session that a key began. Only
-- hashes of secrets are kept. Who calls is looked up before the tenant is known: the system scope
-- may read these two tables.
CREATE TABLE api_keys (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  name TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'editor', 'operator', 'admin')),
  scopes TEXT COLLATE "C" NOT NULL DEFAULT '[]',
  prefix TEXT COLLATE "C" NOT NULL,
  secret_sha256 TEXT COLLATE "C" NOT NULL UNIQUE,
  created_at_ms BIGINT NOT NULL,
  last_used_at_ms BIGINT,
  expires_at_ms BIGINT,
  revoked_at_ms BIGINT
);
CREATE INDEX api_keys_recent ON api_keys (tenant_id, id DESC);

CREATE TABLE sessions (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  key_id TEXT COLLATE "C" NOT NULL REFERENCES api_keys (id),
  token_sha256 TEXT COLLATE "C" NOT NULL UNIQUE,
  csrf_token TEXT COLLATE "C" NOT NULL,
  created_at_ms BIGINT NOT NULL,
  expires_at_ms BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at_ms);

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON api_keys
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
CREATE POLICY system_rows ON api_keys FOR SELECT
  USING (current_setting('app.scope', true) = 'system');
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON sessions
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
CREATE POLICY system_rows ON sessions FOR SELECT
  USING (current_setting('app.scope', true) = 'system');
