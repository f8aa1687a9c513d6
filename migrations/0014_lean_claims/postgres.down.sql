-- Claims up to `wanted` jobs that are due: tenants in turn, in order of rank within each. `ids` are
-- those of the attempt and of the event of each job in the order given, comma-separated. Gives
-- nothing while a lease has run out: taking jobs over is the slow way's.
CREATE OR REPLACE FUNCTION claim_jobs(worker TEXT, boot TEXT, now_ms BIGINT, lease_ms BIGINT,
                                      wanted BIGINT, ids TEXT)
RETURNS SETOF jobs LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_sort = off SET jit = off AS $$
DECLARE
  names CONSTANT TEXT[] := string_to_array(ids, ',');
  first TEXT COLLATE "C";
  other TEXT COLLATE "C";
  tenants TEXT[];
  of_tenant TEXT COLLATE "C";
  got BIGINT := 0;
  taken BIGINT;
  portion BIGINT;
BEGIN
  PERFORM set_config('app.tenant', '', true), set_config('app.scope', 'system', true);
  IF EXISTS (SELECT 1 FROM jobs WHERE status = 'running'
             AND lease_until_boot_ms < lease_clock_ms()) THEN
    RETURN;
  END IF;
  SELECT tenant_id INTO first FROM jobs WHERE status = 'queued'
    ORDER BY tenant_id, rank_ms, id LIMIT 1;
  IF first IS NULL THEN
    RETURN;
  END IF;
  SELECT tenant_id INTO other FROM jobs WHERE status = 'queued' AND tenant_id > first
    ORDER BY tenant_id, rank_ms, id LIMIT 1;
  IF other IS NULL THEN
    tenants := ARRAY[first];
  ELSE
    WITH RECURSIVE waiting (tenant) AS (
      SELECT first
      UNION ALL
      SELECT (SELECT j.tenant_id FROM jobs j WHERE j.status = 'queued'
              AND j.tenant_id > w.tenant ORDER BY j.tenant_id, j.rank_ms, j.id LIMIT 1)
      FROM waiting w WHERE w.tenant IS NOT NULL)
    SELECT array_agg(w.tenant ORDER BY COALESCE(t.served_seq, 0), w.tenant) INTO tenants
    FROM waiting w LEFT JOIN tenant_turns t ON t.tenant = w.tenant
    WHERE (SELECT d.id FROM jobs d WHERE d.tenant_id = w.tenant AND d.status = 'queued'
           AND d.run_at_ms <= now_ms ORDER BY d.rank_ms, d.id LIMIT 1) IS NOT NULL;
  END IF;
  FOREACH of_tenant IN ARRAY COALESCE(tenants, '{}') LOOP
    portion := LEAST(wanted - got, GREATEST(1, wanted / cardinality(tenants)));
    RETURN QUERY
    WITH picked AS MATERIALIZED (
      SELECT id FROM jobs WHERE tenant_id = of_tenant AND status = 'queued' AND run_at_ms <= now_ms
      ORDER BY rank_ms, id LIMIT portion FOR NO KEY UPDATE SKIP LOCKED),
    claimed AS (
      UPDATE jobs SET status = 'running', lease_epoch = lease_epoch + 1, lease_worker_id = worker,
        lease_boot_id = boot, lease_until_boot_ms = lease_clock_ms() + lease_ms,
        attempts = attempts + 1, progress = 0, progress_stage = '', eta_ms = NULL,
        updated_at_ms = now_ms, started_at_ms = COALESCE(started_at_ms, now_ms)
      WHERE jobs.id = ANY (ARRAY(SELECT picked.id FROM picked)) RETURNING jobs.*),
    named AS (
      SELECT c.id, c.tenant_id, c.attempts, c.lease_epoch,
        got + ROW_NUMBER() OVER (ORDER BY c.rank_ms, c.id) AS place
      FROM claimed c),
    runs AS (
      INSERT INTO job_runs (id, tenant_id, job_id, attempt, lease_epoch, worker_id, status,
                            started_at_ms)
      SELECT names[2 * n.place - 1], n.tenant_id, n.id, n.attempts, n.lease_epoch, worker,
        'running', now_ms FROM named n),
    events AS (
      INSERT INTO job_events (id, tenant_id, job_id, event_type, payload, created_at_ms)
      SELECT names[2 * n.place], n.tenant_id, n.id, 'job.started',
        '{"attempt":' || n.attempts || '}', now_ms FROM named n)
    SELECT c.* FROM claimed c ORDER BY c.rank_ms, c.id;
    GET DIAGNOSTICS taken = ROW_COUNT;
    got := got + taken;
    -- A tenant that is alone has nobody to take turns with. Whoever holds the row of its turn is
    -- serving it too: the turn is taken either way.
    IF taken > 0 AND cardinality(tenants) > 1
       AND (NOT EXISTS (SELECT 1 FROM tenant_turns WHERE tenant = of_tenant)
            OR EXISTS (SELECT 1 FROM tenant_turns WHERE tenant = of_tenant
                       FOR UPDATE SKIP LOCKED)) THEN
      INSERT INTO tenant_turns (tenant, served_seq)
        SELECT of_tenant, 1 + COALESCE(MAX(served_seq), 0) FROM tenant_turns
        ON CONFLICT (tenant) DO UPDATE SET served_seq = excluded.served_seq;
    END IF;
    EXIT WHEN got >= wanted;
  END LOOP;
END $$;

-- Ends jobs as succeeded, those whose epoch is still the one given; gives their ids. Lists are
-- comma-separated and as long as one another. `alone`: over all tenants, in a transaction of its
-- own; else in the scope of the caller's.
CREATE OR REPLACE FUNCTION complete_jobs(jobs_given TEXT, epochs TEXT, event_ids TEXT,
                                         now_ms BIGINT, alone BIGINT)
RETURNS SETOF TEXT LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET jit = off AS $$
DECLARE
  ids CONSTANT TEXT[] := string_to_array(jobs_given, ',');
  names CONSTANT TEXT[] := string_to_array(event_ids, ',');
  held TEXT[];  -- each job with its epoch
BEGIN
  IF alone = 1 THEN
    PERFORM set_config('app.tenant', '', true), set_config('app.scope', 'system', true);
  END IF;
  SELECT array_agg(g.id || '/' || g.epoch) INTO held
    FROM unnest(ids, string_to_array(epochs, ',')) AS g (id, epoch);
  RETURN QUERY
  WITH ended AS (
    UPDATE jobs SET status = 'succeeded', dead_letter = 0, error_code = NULL, error_reason = NULL,
      error_message = NULL, error_hint = NULL, progress = 1, eta_ms = NULL, lease_worker_id = NULL,
      lease_boot_id = NULL, lease_until_boot_ms = NULL, updated_at_ms = now_ms,
      finished_at_ms = now_ms
    WHERE jobs.id = ANY (ids) AND jobs.id || '/' || jobs.lease_epoch = ANY (held)
      AND jobs.lease_worker_id IS NOT NULL
    RETURNING jobs.id, jobs.tenant_id),
  dropped AS (
    DELETE FROM job_checkpoints c WHERE c.job_id = ANY (ARRAY(SELECT ended.id FROM ended))),
  runs AS (
    UPDATE job_runs r SET status = 'succeeded', finished_at_ms = now_ms
    WHERE r.job_id = ANY (ARRAY(SELECT ended.id FROM ended)) AND r.status = 'running'
      AND r.job_id || '/' || r.lease_epoch = ANY (held)),
  events AS (
    INSERT INTO job_events (id, tenant_id, job_id, event_type, payload, created_at_ms)
    SELECT names[ROW_NUMBER() OVER ()], e.tenant_id, e.id, 'job.succeeded', '{}', now_ms
    FROM ended e)
  SELECT e.id FROM ended e;
END $$;

CREATE OR REPLACE FUNCTION lease_clock_ms() RETURNS BIGINT LANGUAGE sql STABLE AS
  $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

ALTER TABLE job_events ADD CONSTRAINT job_events_job_id_fkey
  FOREIGN KEY (job_id) REFERENCES jobs (id);
ALTER TABLE job_runs ADD CONSTRAINT job_runs_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs (id);
DROP VIEW dead_letters;
ALTER TABLE jobs ALTER type TYPE TEXT COLLATE "C", ALTER status TYPE TEXT COLLATE "C",
  ADD CONSTRAINT jobs_type_check
    CHECK (type IN ('ingest', 'transcribe', 'diarize', 'enrich', 'index')),
  ADD CONSTRAINT jobs_status_check
    CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'canceled'));
CREATE VIEW dead_letters WITH (security_invoker = true) AS
  SELECT * FROM jobs WHERE status = 'failed' AND dead_letter = 1;
DROP DOMAIN job_status;
DROP DOMAIN job_type;
