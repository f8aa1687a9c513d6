-- expand
-- Why: versions of what was said. A new one supersedes, never overwrites; words with their times
-- are one object per transcript, segments are rows because everything later points at them.
CREATE TABLE transcripts (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  video_id TEXT NOT NULL REFERENCES videos (id),
  version INTEGER NOT NULL,
  engine TEXT NOT NULL,
  model TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  settings_hash TEXT NOT NULL,
  language TEXT NOT NULL,
  words_object_key TEXT NOT NULL,
  words_sha256 TEXT NOT NULL,
  words_bytes INTEGER NOT NULL,
  words_count INTEGER NOT NULL,
  superseded_by TEXT REFERENCES transcripts (id),
  created_at_ms INTEGER NOT NULL,
  UNIQUE (tenant_id, video_id, version)
) STRICT;

CREATE TABLE segments (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  video_id TEXT NOT NULL REFERENCES videos (id),
  transcript_id TEXT NOT NULL REFERENCES transcripts (id),
  segment_index INTEGER NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  text TEXT NOT NULL,
  language TEXT NOT NULL,
  confidence REAL NOT NULL,
  UNIQUE (transcript_id, segment_index),
  CHECK (start_ms >= 0 AND end_ms > start_ms)
) STRICT;
CREATE INDEX segments_video ON segments (tenant_id, video_id, segment_index);
