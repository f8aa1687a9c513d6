-- expand
-- Why: who speaks when. A diarization is a version, as a transcript is: a new one supersedes, never
-- overwrites. Segments name the speaker of their words.
CREATE TABLE diarizations (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  video_id TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
  version BIGINT NOT NULL,
  model TEXT COLLATE "C" NOT NULL,
  model_hash TEXT COLLATE "C" NOT NULL,
  settings_hash TEXT COLLATE "C" NOT NULL,
  superseded_by TEXT COLLATE "C" REFERENCES diarizations (id),
  created_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, video_id, version)
);

CREATE TABLE speakers (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  video_id TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
  diarization_id TEXT COLLATE "C" NOT NULL REFERENCES diarizations (id),
  speaker_index BIGINT NOT NULL,
  label TEXT COLLATE "C" NOT NULL,
  speech_ms BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (diarization_id, speaker_index)
);
CREATE INDEX speakers_video ON speakers (tenant_id, video_id);

CREATE TABLE speaker_turns (
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  diarization_id TEXT COLLATE "C" NOT NULL REFERENCES diarizations (id),
  turn_index BIGINT NOT NULL,
  speaker_id TEXT COLLATE "C" NOT NULL REFERENCES speakers (id),
  start_ms BIGINT NOT NULL,
  end_ms BIGINT NOT NULL,
  confidence DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (diarization_id, turn_index),
  CHECK (start_ms >= 0 AND end_ms > start_ms)
);

ALTER TABLE segments ADD COLUMN speaker_id TEXT COLLATE "C" REFERENCES speakers (id);
ALTER TABLE segments ADD COLUMN overlap_ms BIGINT NOT NULL DEFAULT 0;

ALTER TABLE diarizations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON diarizations
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE speakers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON speakers
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE speaker_turns ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON speaker_turns
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
