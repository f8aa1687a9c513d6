-- expand
-- Why: vectors are kept as objects so that a rebuild never runs a model; generations of the index
-- are recorded so that a switch can be taken back.
CREATE TABLE vectors (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  video_id TEXT COLLATE "C" NOT NULL REFERENCES videos (id),
  transcript_id TEXT COLLATE "C" NOT NULL REFERENCES transcripts (id),
  model TEXT COLLATE "C" NOT NULL,
  model_hash TEXT COLLATE "C" NOT NULL,
  object_key TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, transcript_id, model_hash)
);
CREATE INDEX vectors_video ON vectors (tenant_id, video_id);

CREATE TABLE index_generations (
  name TEXT COLLATE "C" PRIMARY KEY,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('building', 'live', 'retired', 'failed')),
  mapping_hash TEXT COLLATE "C" NOT NULL,
  model TEXT COLLATE "C" NOT NULL,
  as_of_seq BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  validated_at_ms BIGINT
);

ALTER TABLE vectors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON vectors
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
