-- expand
-- Why: an upload goes on after a broken connection or a restart. Its bytes are a file; how many
-- have arrived is that file's length, so that the row and the bytes cannot disagree.
CREATE TABLE uploads (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  bytes_total BIGINT NOT NULL CHECK (bytes_total > 0),
  metadata TEXT COLLATE "C" NOT NULL,
  video_id TEXT COLLATE "C" REFERENCES videos (id),
  created_at_ms BIGINT NOT NULL,
  expires_at_ms BIGINT NOT NULL
);
CREATE INDEX uploads_expiry ON uploads (expires_at_ms);

ALTER TABLE uploads ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON uploads
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
