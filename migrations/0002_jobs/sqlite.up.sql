-- expand
-- Why: work is accepted in the transaction that causes it, held by a lease whose epoch fences every
-- write, resumed from its checkpoints, and told of through one numbered feed of changes.
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  type TEXT NOT NULL CHECK (type IN ('ingest', 'transcribe', 'diarize', 'enrich', 'index')),
  kind TEXT NOT NULL DEFAULT '',
  video_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'canceled')),
  ingestion_phase TEXT,
  payload TEXT NOT NULL,
  priority INTEGER NOT NULL,
  unique_key TEXT,
  trace TEXT NOT NULL,
  run_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  attempts_max INTEGER NOT NULL,
  kills INTEGER NOT NULL DEFAULT 0,
  lease_epoch INTEGER NOT NULL DEFAULT 0,
  lease_worker_id TEXT,
  lease_boot_id TEXT,
  lease_until_boot_ms INTEGER,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  progress REAL NOT NULL DEFAULT 0,
  progress_stage TEXT NOT NULL DEFAULT '',
  eta_ms INTEGER,
  error_code TEXT,
  error_reason TEXT,
  error_message TEXT,
  error_hint TEXT,
  dead_letter INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  queued_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  started_at_ms INTEGER,
  finished_at_ms INTEGER,
  CHECK ((status = 'running') = (lease_worker_id IS NOT NULL))
) STRICT;
CREATE INDEX jobs_claim ON jobs (priority DESC, run_at_ms) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (lease_until_boot_ms) WHERE status = 'running';
CREATE INDEX jobs_video ON jobs (tenant_id, video_id);
CREATE INDEX jobs_recent ON jobs (tenant_id, id DESC);
CREATE UNIQUE INDEX jobs_unique ON jobs (tenant_id, unique_key)
  WHERE unique_key IS NOT NULL AND status IN ('queued', 'running');

CREATE VIEW dead_letters AS
  SELECT * FROM jobs WHERE status = 'failed' AND dead_letter = 1;

CREATE TABLE job_runs (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  job_id TEXT NOT NULL REFERENCES jobs (id),
  attempt INTEGER NOT NULL,
  lease_epoch INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  status TEXT NOT NULL,
  error_code TEXT,
  error_reason TEXT,
  error_message TEXT,
  error_hint TEXT,
  started_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,
  UNIQUE (job_id, lease_epoch)
) STRICT;

CREATE TABLE job_events (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  job_id TEXT NOT NULL REFERENCES jobs (id),
  run_id TEXT,
  event_type TEXT NOT NULL,
  payload TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX job_events_job ON job_events (job_id, id);

CREATE TABLE job_checkpoints (
  tenant_id TEXT NOT NULL,
  job_id TEXT NOT NULL REFERENCES jobs (id),
  part INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (job_id, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  id TEXT PRIMARY KEY,
  process_id INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  seen_boot_ms INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  seq INTEGER UNIQUE,
  tenant_id TEXT NOT NULL,
  entity TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  op TEXT NOT NULL CHECK (op IN ('put', 'delete')),
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_unnumbered ON changes (id) WHERE seq IS NULL;

CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  holder TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  until_boot_ms INTEGER NOT NULL
) STRICT;
