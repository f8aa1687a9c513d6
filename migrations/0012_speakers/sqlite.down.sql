ALTER TABLE segments DROP COLUMN overlap_ms;
ALTER TABLE segments DROP COLUMN speaker_id;
DROP TABLE speaker_turns;
DROP TABLE speakers;
DROP TABLE diarizations;
