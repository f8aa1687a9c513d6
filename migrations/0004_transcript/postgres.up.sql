-- expand
-- Why: versions of what was said. A new one supersedes, never overwrites; words with their times
-- are one object per transcript, segments are rows because everything later points at them.
CREATE TABLE transcripts (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  video_id TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
  version BIGINT NOT NULL,
  engine TEXT COLLATE "C" NOT NULL,
  model TEXT COLLATE "C" NOT NULL,
  model_hash TEXT COLLATE "C" NOT NULL,
  settings_hash TEXT COLLATE "C" NOT NULL,
  language TEXT COLLATE "C" NOT NULL,
  words_object_key TEXT COLLATE "C" NOT NULL,
  words_sha256 TEXT COLLATE "C" NOT NULL,
  words_bytes BIGINT NOT NULL,
  words_count BIGINT NOT NULL,
  superseded_by TEXT COLLATE "C" REFERENCES transcripts (id),
  created_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, video_id, version)
);

CREATE TABLE segments (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  video_id TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
  transcript_id TEXT COLLATE "C" NOT NULL REFERENCES transcripts (id),
  segment_index BIGINT NOT NULL,
  start_ms BIGINT NOT NULL,
  end_ms BIGINT NOT NULL,
  text TEXT COLLATE "C" NOT NULL,
  language TEXT COLLATE "C" NOT NULL,
  confidence DOUBLE PRECISION NOT NULL,
  UNIQUE (transcript_id, segment_index),
  CHECK (start_ms >= 0 AND end_ms > start_ms)
);
CREATE INDEX segments_video ON segments (tenant_id, video_id, segment_index);

ALTER TABLE transcripts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON transcripts
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE segments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON segments
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
