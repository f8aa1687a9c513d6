-- expand
-- Why: what one claim and one completion cost the server (docs/adr/0010).
--
-- * The kinds and states of a job are domains: a connection reads a domain's check once, a table's
--   anew in every statement that writes a row.
-- * A job's attempts and events do not refer to it by foreign key: whoever writes one has made,
--   changed or locked the job's row in the same transaction.
-- * The clock of leases keeps its plan with its connection, as an SQL function does not.
-- * What is asked before a claim is one statement; one job alone goes by the shortest statements
--   there are, for a chain of WITH costs more to begin than they do together.
CREATE DOMAIN job_type AS TEXT COLLATE "C"
  CHECK (VALUE IN ('ingest', 'transcribe', 'diarize', 'enrich', 'index'));
CREATE DOMAIN job_status AS TEXT COLLATE "C"
  CHECK (VALUE IN ('queued', 'running', 'succeeded', 'failed', 'canceled'));
DROP VIEW dead_letters;
ALTER TABLE jobs DROP CONSTRAINT jobs_type_check, DROP CONSTRAINT jobs_status_check,
  ALTER type TYPE job_type, ALTER status TYPE job_status;
CREATE VIEW dead_letters WITH (security_invoker = true) AS
  SELECT * FROM jobs WHERE status = 'failed' AND dead_letter = 1;
ALTER TABLE job_runs DROP CONSTRAINT job_runs_job_id_fkey;
ALTER TABLE job_events DROP CONSTRAINT job_events_job_id_fkey;

CREATE OR REPLACE FUNCTION lease_clock_ms() RETURNS BIGINT LANGUAGE plpgsql STABLE AS
  $$ BEGIN RETURN floor(extract(epoch FROM clock_timestamp()) * 1000); END $$;

-- As in 0011_claims.
CREATE OR REPLACE FUNCTION claim_jobs(worker TEXT, boot TEXT, now_ms BIGINT, lease_ms BIGINT,
                                      wanted BIGINT, ids TEXT)
RETURNS SETOF jobs LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_sort = off SET jit = off AS $$
DECLARE
  names CONSTANT TEXT[] := string_to_array(ids, ',');
  clock_ms CONSTANT BIGINT := lease_clock_ms();
  last TEXT COLLATE "C";
  alone BOOLEAN;
  tenants TEXT[];
  of_tenant TEXT COLLATE "C";
  job jobs;
  got BIGINT := 0;
  taken BIGINT;
  portion BIGINT;
  scope TEXT;
BEGIN
  scope := set_config('app.tenant', '', true);
  scope := set_config('app.scope', 'system', true);
  -- From the end of the index, for at its beginning lie the entries of what was claimed before.
  SELECT l.tenant_id, (SELECT true FROM jobs o WHERE o.status = 'queued'
                       AND o.tenant_id < l.tenant_id LIMIT 1) IS NULL
    INTO last, alone
    FROM (SELECT tenant_id FROM jobs WHERE status = 'queued'
          ORDER BY tenant_id DESC, rank_ms DESC, id DESC LIMIT 1) l
    WHERE (SELECT true FROM jobs WHERE status = 'running' AND lease_until_boot_ms < clock_ms
           LIMIT 1) IS NULL;
  IF last IS NULL THEN
    RETURN;
  END IF;
  IF alone THEN
    tenants := ARRAY[last];
  ELSE
    WITH RECURSIVE waiting (tenant) AS (
      SELECT last
      UNION ALL
      SELECT (SELECT j.tenant_id FROM jobs j WHERE j.status = 'queued'
              AND j.tenant_id < w.tenant ORDER BY j.tenant_id DESC, j.rank_ms DESC, j.id DESC
              LIMIT 1)
      FROM waiting w WHERE w.tenant IS NOT NULL)
    SELECT array_agg(w.tenant ORDER BY COALESCE(t.served_seq, 0), w.tenant) INTO tenants
    FROM waiting w LEFT JOIN tenant_turns t ON t.tenant = w.tenant
    WHERE (SELECT d.id FROM jobs d WHERE d.tenant_id = w.tenant AND d.status = 'queued'
           AND d.run_at_ms <= now_ms ORDER BY d.rank_ms, d.id LIMIT 1) IS NOT NULL;
  END IF;
  FOREACH of_tenant IN ARRAY COALESCE(tenants, '{}') LOOP
    portion := LEAST(wanted - got, GREATEST(1, wanted / cardinality(tenants)));
    IF portion = 1 THEN
      UPDATE jobs SET status = 'running', lease_epoch = lease_epoch + 1, lease_worker_id = worker,
        lease_boot_id = boot, lease_until_boot_ms = clock_ms + lease_ms, attempts = attempts + 1,
        progress = 0, progress_stage = '', eta_ms = NULL, updated_at_ms = now_ms,
        started_at_ms = COALESCE(started_at_ms, now_ms)
      WHERE jobs.id = (
        SELECT d.id FROM jobs d WHERE d.tenant_id = of_tenant AND d.status = 'queued'
        AND d.run_at_ms <= now_ms
        ORDER BY d.rank_ms, d.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
      RETURNING * INTO job;
      GET DIAGNOSTICS taken = ROW_COUNT;
      IF taken > 0 THEN
        INSERT INTO job_runs (id, tenant_id, job_id, attempt, lease_epoch, worker_id, status,
                              started_at_ms)
        VALUES (names[2 * got + 1], job.tenant_id, job.id, job.attempts, job.lease_epoch, worker,
                'running', now_ms);
        INSERT INTO job_events (id, tenant_id, job_id, event_type, payload, created_at_ms)
        VALUES (names[2 * got + 2], job.tenant_id, job.id, 'job.started',
                '{"attempt":' || job.attempts || '}', now_ms);
        RETURN NEXT job;
      END IF;
    ELSE
      RETURN QUERY
      WITH picked AS MATERIALIZED (
        SELECT id FROM jobs WHERE tenant_id = of_tenant AND status = 'queued'
        AND run_at_ms <= now_ms
        ORDER BY rank_ms, id LIMIT portion FOR NO KEY UPDATE SKIP LOCKED),
      claimed AS (
        UPDATE jobs SET status = 'running', lease_epoch = lease_epoch + 1,
          lease_worker_id = worker, lease_boot_id = boot,
          lease_until_boot_ms = clock_ms + lease_ms, attempts = attempts + 1, progress = 0,
          progress_stage = '', eta_ms = NULL, updated_at_ms = now_ms,
          started_at_ms = COALESCE(started_at_ms, now_ms)
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
    END IF;
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

-- As in 0011_claims.
CREATE OR REPLACE FUNCTION complete_jobs(jobs_given TEXT, epochs TEXT, event_ids TEXT,
                                         now_ms BIGINT, alone BIGINT)
RETURNS SETOF TEXT LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET jit = off AS $$
DECLARE
  ids CONSTANT TEXT[] := string_to_array(jobs_given, ',');
  names CONSTANT TEXT[] := string_to_array(event_ids, ',');
  held TEXT[];  -- each job with its epoch
  epoch BIGINT;
  of_tenant TEXT;
  scope TEXT;
BEGIN
  IF alone = 1 THEN
    scope := set_config('app.tenant', '', true);
    scope := set_config('app.scope', 'system', true);
  END IF;
  IF cardinality(ids) = 1 THEN
    epoch := epochs;
    UPDATE jobs SET status = 'succeeded', dead_letter = 0, error_code = NULL, error_reason = NULL,
      error_message = NULL, error_hint = NULL, progress = 1, eta_ms = NULL, lease_worker_id = NULL,
      lease_boot_id = NULL, lease_until_boot_ms = NULL, updated_at_ms = now_ms,
      finished_at_ms = now_ms
    WHERE jobs.id = jobs_given AND jobs.lease_epoch = epoch AND jobs.lease_worker_id IS NOT NULL
    RETURNING jobs.tenant_id INTO of_tenant;
    IF of_tenant IS NULL THEN
      RETURN;
    END IF;
    DELETE FROM job_checkpoints c WHERE c.job_id = jobs_given;
    UPDATE job_runs r SET status = 'succeeded', finished_at_ms = now_ms
    WHERE r.job_id = jobs_given AND r.lease_epoch = epoch AND r.status = 'running';
    INSERT INTO job_events (id, tenant_id, job_id, event_type, payload, created_at_ms)
    VALUES (event_ids, of_tenant, jobs_given, 'job.succeeded', '{}', now_ms);
    RETURN NEXT jobs_given;
    RETURN;
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
