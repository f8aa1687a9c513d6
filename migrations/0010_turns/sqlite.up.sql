-- expand
-- Why: tenants with due work take turns, urgency is a bounded head start (rank_ms: when the job is
-- due, less its priority's share of jobs.priority_wait_ms_max), and a job names the service outside
-- that it burdens, so that no more than so many do at once. Dead letters are found by their tenant.
ALTER TABLE jobs ADD COLUMN rank_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN service TEXT NOT NULL DEFAULT '';
UPDATE jobs SET rank_ms = run_at_ms;
DROP INDEX jobs_claim;
CREATE INDEX jobs_claim ON jobs (tenant_id, rank_ms, id) WHERE status = 'queued';
CREATE INDEX jobs_dead_letters ON jobs (tenant_id, id) WHERE status = 'failed';

CREATE TABLE tenant_turns (
  tenant TEXT PRIMARY KEY,
  served_seq INTEGER NOT NULL
) STRICT;
CREATE INDEX tenant_turns_newest ON tenant_turns (served_seq DESC);
