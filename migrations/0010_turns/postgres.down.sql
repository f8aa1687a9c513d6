DROP TABLE tenant_turns;
DROP INDEX jobs_dead_letters;
DROP VIEW dead_letters;
DROP INDEX jobs_claim;
ALTER TABLE jobs DROP COLUMN service;
ALTER TABLE jobs DROP COLUMN rank_ms;
CREATE INDEX jobs_claim ON jobs (priority DESC, run_at_ms) WHERE status = 'queued';
CREATE VIEW dead_letters WITH (security_invoker = true) AS
  SELECT * FROM jobs WHERE status = 'failed' AND dead_letter = 1;
