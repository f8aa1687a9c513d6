-- expand
-- Why: vectors are kept as objects so that a rebuild never runs a model; generations of the index
-- are recorded so that a switch can be taken back.
CREATE TABLE vectors (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  video_id TEXT NOT NULL REFERENCES videos (id),
  transcript_id TEXT NOT NULL REFERENCES transcripts (id),
  model TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  object_key TEXT NOT NULL,
  count INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  UNIQUE (tenant_id, transcript_id, model_hash)
) STRICT;
CREATE INDEX vectors_video ON vectors (tenant_id, video_id);

CREATE TABLE index_generations (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('building', 'live', 'retired', 'failed')),
  mapping_hash TEXT NOT NULL,
  model TEXT NOT NULL,
  as_of_seq INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  validated_at_ms INTEGER
) STRICT;
