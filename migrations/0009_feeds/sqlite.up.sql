-- expand
-- Why: feeds and folders are followed by polling that survives restarts; what was taken in from
-- them is remembered item by item, so that each comes once. A recording that turns out, once
-- fetched, to be one that is there already stands for it from then on.
CREATE TABLE feeds (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  kind TEXT NOT NULL CHECK (kind IN ('feed', 'folder')),
  locator TEXT NOT NULL,
  title TEXT,
  poll_interval_s INTEGER NOT NULL CHECK (poll_interval_s > 0),
  etag TEXT NOT NULL DEFAULT '',
  last_modified TEXT NOT NULL DEFAULT '',
  failures INTEGER NOT NULL DEFAULT 0,
  lease_epoch INTEGER NOT NULL DEFAULT 0,
  polling_since_ms INTEGER,
  last_polled_at_ms INTEGER,
  next_poll_at_ms INTEGER NOT NULL,
  error_code TEXT,
  error_reason TEXT,
  error_message TEXT,
  error_hint TEXT,
  trace TEXT NOT NULL DEFAULT '',
  created_at_ms INTEGER NOT NULL,
  UNIQUE (tenant_id, locator)
) STRICT;
CREATE INDEX feeds_due ON feeds (next_poll_at_ms);

CREATE TABLE feed_items (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  feed_id TEXT NOT NULL REFERENCES feeds (id),
  item_key TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('seen', 'taken', 'refused')),
  mark TEXT NOT NULL,
  video_id TEXT REFERENCES videos (id),
  reason TEXT,
  seen_at_ms INTEGER NOT NULL,
  PRIMARY KEY (feed_id, item_key)
) STRICT;

ALTER TABLE videos ADD COLUMN duplicate_of TEXT;
