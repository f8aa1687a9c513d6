DROP TABLE artifacts;
DROP TABLE sources;
DROP TABLE videos;
