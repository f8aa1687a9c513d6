-- expand
-- Why: who the speakers of recordings are. A person is a voice across recordings, with or without a
-- name; what is done to identities is an event, with every value that it changed, so that it can be
-- undone. Voices are sealed, each with a key of its own in a table of its own: without the key, no
-- copy of the voice can be read.
CREATE TABLE people (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  name TEXT,
  name_folded TEXT,
  consent TEXT NOT NULL DEFAULT 'unknown'
    CHECK (consent IN ('unknown', 'granted', 'denied')),
  merged_into TEXT REFERENCES people (id),
  withdrawn INTEGER NOT NULL DEFAULT 0,
  erased_at_ms INTEGER,
  revision INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX people_recent ON people (tenant_id, id);

ALTER TABLE speakers ADD COLUMN person_id TEXT REFERENCES people (id);
ALTER TABLE speakers ADD COLUMN person_how TEXT;
ALTER TABLE speakers ADD COLUMN person_score REAL;
ALTER TABLE speakers ADD COLUMN voice_erased INTEGER NOT NULL DEFAULT 0;
CREATE INDEX speakers_person ON speakers (tenant_id, person_id);

CREATE TABLE voiceprints (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  speaker_id TEXT NOT NULL REFERENCES speakers (id),
  person_id TEXT REFERENCES people (id),
  start_ms INTEGER,
  end_ms INTEGER,
  model TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  sealed TEXT NOT NULL,
  speech_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX voiceprints_model ON voiceprints (tenant_id, model_hash, id);
CREATE INDEX voiceprints_speaker ON voiceprints (tenant_id, speaker_id);
CREATE INDEX voiceprints_person ON voiceprints (tenant_id, person_id);

CREATE TABLE voice_keys (
  voiceprint_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  secret TEXT NOT NULL
) STRICT;

CREATE TABLE identity_events (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  kind TEXT NOT NULL
    CHECK (kind IN ('assign', 'create', 'rename', 'merge', 'split', 'reject', 'enrol', 'erase',
      'consent', 'undo')),
  person_id TEXT,
  other_person_id TEXT,
  speaker_id TEXT,
  evidence TEXT NOT NULL DEFAULT '{}',
  actor TEXT NOT NULL,
  undone_by TEXT,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX identity_events_person ON identity_events (tenant_id, person_id, id);
CREATE INDEX identity_events_other ON identity_events (tenant_id, other_person_id, id);

CREATE TABLE identity_changes (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  event_id TEXT NOT NULL REFERENCES identity_events (id),
  change_index INTEGER NOT NULL,
  kind TEXT NOT NULL,
  row_id TEXT NOT NULL,
  value_before TEXT,
  value_after TEXT,
  PRIMARY KEY (event_id, change_index)
) STRICT;
CREATE INDEX identity_changes_row ON identity_changes (tenant_id, row_id);

CREATE TABLE identity_rejections (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  speaker_id TEXT NOT NULL REFERENCES speakers (id),
  person_id TEXT NOT NULL REFERENCES people (id),
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (speaker_id, person_id)
) STRICT;
CREATE INDEX identity_rejections_person ON identity_rejections (tenant_id, person_id);
