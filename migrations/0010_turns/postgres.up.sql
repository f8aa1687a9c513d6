-- expand
-- Why: tenants with due work take turns, urgency is a bounded head start (rank_ms: when the job is
-- due, less its priority's share of jobs.priority_wait_ms_max), and a job names the service outside
-- that it burdens, so that no more than so many do at once. Dead letters are found by their tenant.
ALTER TABLE jobs ADD COLUMN rank_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN service TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY;
UPDATE jobs SET rank_ms = run_at_ms;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
DROP INDEX jobs_claim;
CREATE INDEX jobs_claim ON jobs (tenant_id, rank_ms, id) WHERE status = 'queued';
CREATE INDEX jobs_dead_letters ON jobs (tenant_id, id) WHERE status = 'failed';
DROP VIEW dead_letters;
CREATE VIEW dead_letters WITH (security_invoker = true) AS
  SELECT * FROM jobs WHERE status = 'failed' AND dead_letter = 1;

CREATE TABLE tenant_turns (
  tenant TEXT COLLATE "C" PRIMARY KEY,
  served_seq BIGINT NOT NULL
);
CREATE INDEX tenant_turns_newest ON tenant_turns (served_seq DESC);
ALTER TABLE tenant_turns ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY system_rows ON tenant_turns
  USING (current_setting('app.scope', true) = 'system');
