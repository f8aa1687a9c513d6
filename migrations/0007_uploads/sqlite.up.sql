-- expand
-- Why: an upload goes on after a broken connection or a restart. Its bytes are a file; how many
-- have arrived is that file's length, so that the row and the bytes cannot disagree.
CREATE TABLE uploads (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  bytes_total INTEGER NOT NULL CHECK (bytes_total > 0),
  metadata TEXT NOT NULL,
  video_id TEXT REFERENCES videos (id),
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_expiry ON uploads (expires_at_ms);
