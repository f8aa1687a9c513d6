-- expand
-- Why: feeds and folders are followed by polling that survives restarts; what was taken in from
-- them is remembered item by item, so that each comes once. A recording that turns out, once
-- fetched, to be one that is there already stands for it from then on.
CREATE TABLE feeds (
  id TEXT COLLATE "C" PRIMARY KEY,
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('feed', 'folder')),
  locator TEXT COLLATE "C" NOT NULL,
  title TEXT COLLATE "C",
  poll_interval_s BIGINT NOT NULL CHECK (poll_interval_s > 0),
  etag TEXT COLLATE "C" NOT NULL DEFAULT '',
  last_modified TEXT COLLATE "C" NOT NULL DEFAULT '',
  failures BIGINT NOT NULL DEFAULT 0,
  lease_epoch BIGINT NOT NULL DEFAULT 0,
  polling_since_ms BIGINT,
  last_polled_at_ms BIGINT,
  next_poll_at_ms BIGINT NOT NULL,
  error_code TEXT COLLATE "C",
  error_reason TEXT COLLATE "C",
  error_message TEXT COLLATE "C",
  error_hint TEXT COLLATE "C",
  trace TEXT COLLATE "C" NOT NULL DEFAULT '',
  created_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, locator)
);
CREATE INDEX feeds_due ON feeds (next_poll_at_ms);

CREATE TABLE feed_items (
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  feed_id TEXT COLLATE "C" NOT NULL REFERENCES feeds (id),
  item_key TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('seen', 'taken', 'refused')),
  mark TEXT COLLATE "C" NOT NULL,
  video_id TEXT COLLATE "C" REFERENCES videos (id),
  reason TEXT COLLATE "C",
  seen_at_ms BIGINT NOT NULL,
  PRIMARY KEY (feed_id, item_key)
);

ALTER TABLE videos ADD COLUMN duplicate_of TEXT COLLATE "C";

ALTER TABLE feeds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON feeds
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
CREATE POLICY system_rows ON feeds FOR SELECT
  USING (current_setting('app.scope', true) = 'system');
ALTER TABLE feed_items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON feed_items
  USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
