-- expand
-- Why: every row of every later table belongs to a tenant, and every write may be repeated safely.
CREATE TABLE tenants (
  id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL UNIQUE,
  created_at_ms BIGINT NOT NULL
);

CREATE TABLE idempotency_keys (
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  operation TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  request_sha256 TEXT COLLATE "C" NOT NULL,
  answer TEXT COLLATE "C" NOT NULL,
  created_at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, operation, key)
);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON tenants
  USING (id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON idempotency_keys
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
