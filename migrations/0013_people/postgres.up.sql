-- expand
-- Why: who the speakers of recordings are. A person is a voice across recordings, with or without a
-- name; what is done to identities is an event, with every value that it changed, so that it can be
-- undone. Voices are sealed, each with a key of its own in a table of its own: without the key, no
-- copy of the voice can be read.
CREATE TABLE people (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  name TEXT COLLATE "C",
  name_folded TEXT COLLATE "C",
  consent TEXT COLLATE "C" NOT NULL DEFAULT 'unknown'
    CHECK (consent IN ('unknown', 'granted', 'denied')),
  merged_into TEXT COLLATE "C" REFERENCES people (id),
  withdrawn BIGINT NOT NULL DEFAULT 0,
  erased_at_ms BIGINT,
  revision BIGINT NOT NULL DEFAULT 1,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL
);
CREATE INDEX people_recent ON people (tenant_id, id);

ALTER TABLE speakers ADD COLUMN person_id TEXT COLLATE "C" REFERENCES people (id);
ALTER TABLE speakers ADD COLUMN person_how TEXT COLLATE "C";
ALTER TABLE speakers ADD COLUMN person_score DOUBLE PRECISION;
ALTER TABLE speakers ADD COLUMN voice_erased BIGINT NOT NULL DEFAULT 0;
CREATE INDEX speakers_person ON speakers (tenant_id, person_id);

CREATE TABLE voiceprints (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  speaker_id TEXT COLLATE "C" NOT NULL REFERENCES speakers (id),
  person_id TEXT COLLATE "C" REFERENCES people (id),
  start_ms BIGINT,
  end_ms BIGINT,
  model TEXT COLLATE "C" NOT NULL,
  model_hash TEXT COLLATE "C" NOT NULL,
  sealed TEXT COLLATE "C" NOT NULL,
  speech_ms BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL
);
CREATE INDEX voiceprints_model ON voiceprints (tenant_id, model_hash, id);
CREATE INDEX voiceprints_speaker ON voiceprints (tenant_id, speaker_id);
CREATE INDEX voiceprints_person ON voiceprints (tenant_id, person_id);

CREATE TABLE voice_keys (
  voiceprint_id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  secret TEXT COLLATE "C" NOT NULL
);

CREATE TABLE identity_events (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  kind TEXT COLLATE "C" NOT NULL
    CHECK (kind IN ('assign', 'create', 'rename', 'merge', 'split', 'reject', 'enrol', 'erase',
      'consent', 'undo')),
  person_id TEXT COLLATE "C",
  other_person_id TEXT COLLATE "C",
  speaker_id TEXT COLLATE "C",
  evidence TEXT COLLATE "C" NOT NULL DEFAULT '{}',
  actor TEXT COLLATE "C" NOT NULL,
  undone_by TEXT COLLATE "C",
  created_at_ms BIGINT NOT NULL
);
CREATE INDEX identity_events_person ON identity_events (tenant_id, person_id, id);
CREATE INDEX identity_events_other ON identity_events (tenant_id, other_person_id, id);

CREATE TABLE identity_changes (
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  event_id TEXT COLLATE "C" NOT NULL REFERENCES identity_events (id),
  change_index BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  row_id TEXT COLLATE "C" NOT NULL,
  value_before TEXT COLLATE "C",
  value_after TEXT COLLATE "C",
  PRIMARY KEY (event_id, change_index)
);
CREATE INDEX identity_changes_row ON identity_changes (tenant_id, row_id);

CREATE TABLE identity_rejections (
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  speaker_id TEXT COLLATE "C" NOT NULL REFERENCES speakers (id),
  person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
  created_at_ms BIGINT NOT NULL,
  PRIMARY KEY (speaker_id, person_id)
);
CREATE INDEX identity_rejections_person ON identity_rejections (tenant_id, person_id);

ALTER TABLE people ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON people
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE voiceprints ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON voiceprints
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE voice_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON voice_keys
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE identity_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON identity_events
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE identity_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON identity_changes
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
ALTER TABLE identity_rejections ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON identity_rejections
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
