-- expand
-- Why: what was taken in (source), what it became (video) and the files made of it (artifacts).
CREATE TABLE videos (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  status TEXT NOT NULL
    CHECK (status IN ('queued', 'processing', 'ready', 'partial', 'failed', 'deleted')),
  title TEXT NOT NULL,
  language TEXT,
  duration_ms INTEGER,
  published_at_ms INTEGER,
  metadata TEXT NOT NULL DEFAULT '{}',
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX videos_recent ON videos (tenant_id, id DESC);

CREATE TABLE sources (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  video_id TEXT NOT NULL REFERENCES videos (id),
  kind TEXT NOT NULL CHECK (kind IN ('upload', 'external_url', 'youtube')),
  locator TEXT NOT NULL,
  external_id TEXT,
  content_sha256 TEXT,
  bytes INTEGER,
  rights TEXT NOT NULL DEFAULT 'unknown',
  created_at_ms INTEGER NOT NULL,
  UNIQUE (tenant_id, external_id),
  UNIQUE (tenant_id, content_sha256)
) STRICT;
CREATE INDEX sources_video ON sources (tenant_id, video_id);

CREATE TABLE artifacts (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  video_id TEXT NOT NULL REFERENCES videos (id),
  kind TEXT NOT NULL,
  object_key TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '{}',
  created_at_ms INTEGER NOT NULL,
  UNIQUE (tenant_id, video_id, kind)
) STRICT;
