DROP TABLE segments;
DROP TABLE transcripts;
