-- expand
-- Why: who speaks when. A diarization is a version, as a transcript is: a new one supersedes, never
-- overwrites. Segments name the speaker of their words.
CREATE TABLE diarizations (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  video_id TEXT NOT NULL REFERENCES videos (id),
  version INTEGER NOT NULL,
  model TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  settings_hash TEXT NOT NULL,
  superseded_by TEXT REFERENCES diarizations (id),
  created_at_ms INTEGER NOT NULL,
  UNIQUE (tenant_id, video_id, version)
) STRICT;

CREATE TABLE speakers (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  video_id TEXT NOT NULL REFERENCES videos (id),
  diarization_id TEXT NOT NULL REFERENCES diarizations (id),
  speaker_index INTEGER NOT NULL,
  label TEXT NOT NULL,
  speech_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  UNIQUE (diarization_id, speaker_index)
) STRICT;
CREATE INDEX speakers_video ON speakers (tenant_id, video_id);

CREATE TABLE speaker_turns (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  diarization_id TEXT NOT NULL REFERENCES diarizations (id),
  turn_index INTEGER NOT NULL,
  speaker_id TEXT NOT NULL REFERENCES speakers (id),
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  confidence REAL NOT NULL,
  PRIMARY KEY (diarization_id, turn_index),
  CHECK (start_ms >= 0 AND end_ms > start_ms)
) STRICT;

ALTER TABLE segments ADD COLUMN speaker_id TEXT REFERENCES speakers (id);
ALTER TABLE segments ADD COLUMN overlap_ms INTEGER NOT NULL DEFAULT 0;
