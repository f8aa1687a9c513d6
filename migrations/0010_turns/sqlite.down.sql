DROP TABLE tenant_turns;
DROP INDEX jobs_dead_letters;
DROP INDEX jobs_claim;
CREATE INDEX jobs_claim ON jobs (priority DESC, run_at_ms) WHERE status = 'queued';
DROP VIEW dead_letters;
ALTER TABLE jobs DROP COLUMN service;
ALTER TABLE jobs DROP COLUMN rank_ms;
CREATE VIEW dead_letters AS
  SELECT * FROM jobs WHERE status = 'failed' AND dead_letter = 1;
