-- expand
-- Why: what was taken in (source), what it became (video) and the files made of it (artifacts).
CREATE TABLE videos (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  status TEXT COLLATE "C" NOT NULL
    CHECK (status IN ('queued', 'processing', 'ready', 'partial', 'failed', 'deleted')),
  title TEXT COLLATE "C" NOT NULL,
  language TEXT COLLATE "C",
  duration_ms BIGINT,
  published_at_ms BIGINT,
  metadata TEXT COLLATE "C" NOT NULL DEFAULT '{}',
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL
);
CREATE INDEX videos_recent ON videos (tenant_id, id DESC);

CREATE TABLE sources (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  video_id TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('upload', 'external_url', 'youtube')),
  locator TEXT COLLATE "C" NOT NULL,
  external_id TEXT COLLATE "C",
  content_sha256 TEXT COLLATE "C",
  bytes BIGINT,
  rights TEXT COLLATE "C" NOT NULL DEFAULT 'unknown',
  created_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, external_id),
  UNIQUE (tenant_id, content_sha256)
);
CREATE INDEX sources_video ON sources (tenant_id, video_id);

CREATE TABLE artifacts (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  video_id TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
  kind TEXT COLLATE "C" NOT NULL,
  object_key TEXT COLLATE "C" NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  bytes BIGINT NOT NULL,
  content_type TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C" NOT NULL DEFAULT '{}',
  created_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, video_id, kind)
);

ALTER TABLE videos ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON videos
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE sources ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON sources
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE artifacts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON artifacts
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
