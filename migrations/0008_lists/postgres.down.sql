DROP INDEX jobs_updated;
DROP INDEX videos_updated;
DROP INDEX videos_by_title;
ALTER TABLE videos DROP COLUMN title_folded;
