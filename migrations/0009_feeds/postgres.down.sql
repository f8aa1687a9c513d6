ALTER TABLE videos DROP COLUMN duplicate_of;
DROP TABLE feed_items;
DROP TABLE feeds;
