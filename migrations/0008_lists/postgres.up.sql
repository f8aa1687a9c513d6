-- expand
-- Why: recordings are listed and looked for by title whatever the case, and what is shown live is
-- read by the time it last changed.
ALTER TABLE videos ADD COLUMN title_folded TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE videos NO FORCE ROW LEVEL SECURITY;
UPDATE videos SET title_folded = lower(title);
ALTER TABLE videos FORCE ROW LEVEL SECURITY;
CREATE INDEX videos_by_title ON videos (tenant_id, title_folded, id);
CREATE INDEX videos_updated ON videos (tenant_id, updated_at_ms);
CREATE INDEX jobs_updated ON jobs (tenant_id, updated_at_ms);
