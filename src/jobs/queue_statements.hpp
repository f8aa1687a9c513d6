// The queue's SQL. Those without tenant_id act over all tenants and are on the listed exemption of
// tools/tidy.py: claiming and lease keeping belong to the worker, not to a tenant.
//
// Where PostgreSQL's text differs it locks the rows it decides on, which SQLite's lone writer need
// not, and reads the server's clock, for which the boot id and time of a machine mean nothing.
#pragma once

#include <vector>

#include "jobs/job.hpp"
#include "platform/sql/sql.hpp"

namespace narralytica::jobs {
// Rows of NRL_JOB_COLUMNS.
std::vector<Job> JobsOf(const platform::Rows& rows);
}  // namespace narralytica::jobs

namespace narralytica::jobs::statements {

using platform::Statement;

#define NRL_JOB_COLUMNS                                                                       \
  "id, tenant_id, type, kind, video_id, status, ingestion_phase, payload, trace, attempts,"   \
  " attempts_max, progress, progress_stage, eta_ms, error_code, error_reason, error_message," \
  " error_hint, dead_letter, cancel_requested, created_at_ms, queued_at_ms, updated_at_ms,"   \
  " run_at_ms, started_at_ms, finished_at_ms, kills, lease_epoch"

inline constexpr size_t kKillsColumn = 26;
inline constexpr size_t kEpochColumn = 27;

inline constexpr Statement kInsert{
    "jobs.insert",
    "INSERT INTO jobs (id, tenant_id, type, kind, video_id, status, payload, priority, unique_key,"
    " trace, run_at_ms, attempts_max, created_at_ms, queued_at_ms, updated_at_ms, rank_ms, service)"
    " VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $9, $10, $11, $10, $10, $10, $12, $13)"};

inline constexpr Statement kFindUnique{
    "jobs.find_unique",
    "SELECT id FROM jobs WHERE tenant_id = $1 AND unique_key = $2"
    " AND status IN ('queued', 'running')"};

inline constexpr Statement kGet{
    "jobs.get", "SELECT " NRL_JOB_COLUMNS " FROM jobs WHERE tenant_id = $1 AND id = $2"};

inline constexpr Statement kOfVideo{
    "jobs.of_video",
    "SELECT " NRL_JOB_COLUMNS " FROM jobs WHERE tenant_id = $1 AND video_id = $2 ORDER BY id"};

inline constexpr Statement kList{"jobs.list",
                                 "SELECT " NRL_JOB_COLUMNS
                                 " FROM jobs WHERE tenant_id = $1 AND ($2 = '' OR id < $2)"
                                 " ORDER BY id DESC LIMIT $3"};

inline constexpr Statement kNextExpired{
    "jobs.next_expired",
    "SELECT " NRL_JOB_COLUMNS
    " FROM jobs WHERE status = 'running'"
    " AND (lease_boot_id <> $1 OR lease_until_boot_ms < $2) ORDER BY lease_until_boot_ms LIMIT 1",
    "SELECT " NRL_JOB_COLUMNS
    " FROM jobs WHERE status = 'running' AND lease_until_boot_ms < (SELECT lease_clock_ms())"
    " ORDER BY lease_until_boot_ms LIMIT 1 FOR UPDATE SKIP LOCKED"};

// Tenants with due work and room for more of it ($2, 0: no limit), the least recently served first;
// by one probe of the index a tenant.
#define NRL_DUE_TENANTS                                                                      \
  "WITH RECURSIVE waiting (tenant) AS ("                                                     \
  " SELECT MIN(tenant_id) FROM jobs WHERE status = 'queued'"                                 \
  " UNION ALL SELECT (SELECT MIN(j.tenant_id) FROM jobs j WHERE j.status = 'queued'"         \
  " AND j.tenant_id > w.tenant) FROM waiting w WHERE w.tenant IS NOT NULL)"                  \
  " SELECT w.tenant FROM waiting w LEFT JOIN tenant_turns t ON t.tenant = w.tenant"          \
  " WHERE EXISTS (SELECT 1 FROM jobs d WHERE d.tenant_id = w.tenant AND d.status = 'queued'" \
  " AND d.run_at_ms <= $1) AND ($2 = 0 OR $2 > (SELECT COUNT(*) FROM jobs r"                 \
  " WHERE r.tenant_id = w.tenant AND r.status = 'running'))"                                 \
  " ORDER BY COALESCE(t.served_seq, 0), w.tenant"

inline constexpr Statement kDueTenants{"jobs.due_tenants", NRL_DUE_TENANTS};

// Stages and services that have no room are comma-separated, with a comma at both ends.
inline constexpr Statement kNextQueued{
    "jobs.next_queued",
    "SELECT " NRL_JOB_COLUMNS
    " FROM jobs WHERE tenant_id = $1 AND status = 'queued' AND run_at_ms <= $2"
    " AND instr($3, ',' || type || ',') = 0"
    " AND (service = '' OR instr($4, ',' || service || ',') = 0)"
    " ORDER BY rank_ms, id LIMIT 1",
    "SELECT " NRL_JOB_COLUMNS
    " FROM jobs WHERE tenant_id = $1 AND status = 'queued' AND run_at_ms <= $2"
    " AND strpos($3, ',' || type || ',') = 0"
    " AND (service = '' OR strpos($4, ',' || service || ',') = 0)"
    " ORDER BY rank_ms, id LIMIT 1 FOR UPDATE SKIP LOCKED"};

inline constexpr Statement kTakeTurn{
    "jobs.take_turn",
    "INSERT INTO tenant_turns (tenant, served_seq)"
    " SELECT $1, 1 + COALESCE(MAX(served_seq), 0) FROM tenant_turns WHERE true"
    " ON CONFLICT (tenant) DO UPDATE SET served_seq = excluded.served_seq"};

// What runs now, for the limits.
inline constexpr Statement kRunningByStage{
    "jobs.running_by_stage",
    "SELECT type, service, COUNT(*) FROM jobs WHERE status = 'running' GROUP BY type, service"};

inline constexpr Statement kClaim{
    "jobs.claim",
    "UPDATE jobs SET status = 'running', lease_epoch = $2, lease_worker_id = $3,"
    " lease_boot_id = $4, lease_until_boot_ms = $5 + $9, attempts = $6, kills = $7, progress = 0,"
    " progress_stage = '', eta_ms = NULL, updated_at_ms = $8,"
    " started_at_ms = COALESCE(started_at_ms, $8) WHERE id = $1",
    "UPDATE jobs SET status = 'running', lease_epoch = $2, lease_worker_id = $3,"
    " lease_boot_id = $4, lease_until_boot_ms = lease_clock_ms() + $9, attempts = $6, kills = $7,"
    " progress = 0, progress_stage = '', eta_ms = NULL, updated_at_ms = $8,"
    " started_at_ms = COALESCE(started_at_ms, $8) WHERE id = $1"};

// Of PostgreSQL's schema (migrations/0014_lean_claims).
inline constexpr Statement kClaimMany{"jobs.claim_many", nullptr,
                                      "SELECT " NRL_JOB_COLUMNS
                                      " FROM claim_jobs($1, $2, $3, $4, $5, $6)"};
inline constexpr Statement kComplete{"jobs.complete", nullptr,
                                     "SELECT complete_jobs($1, $2, $3, $4, 0)"};
inline constexpr Statement kCompleteMany{"jobs.complete_many", nullptr,
                                         "SELECT complete_jobs($1, $2, $3, $4, 1)"};

inline constexpr Statement kBeat{
    "jobs.beat",
    "UPDATE jobs SET lease_until_boot_ms = $3 + $8, progress = MAX(progress, $4),"
    " progress_stage = $5, eta_ms = $6, updated_at_ms = $7,"
    " ingestion_phase = COALESCE($9, ingestion_phase)"
    " WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING cancel_requested",
    "UPDATE jobs SET lease_until_boot_ms = lease_clock_ms() + $8,"
    " progress = GREATEST(progress, $4), progress_stage = $5, eta_ms = $6, updated_at_ms = $7,"
    " ingestion_phase = COALESCE($9, ingestion_phase)"
    " WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING cancel_requested"};

inline constexpr Statement kFence{
    "jobs.fence",
    "SELECT 1 FROM jobs WHERE tenant_id = $1 AND id = $2 AND lease_epoch = $3"
    " AND status = 'running'",
    "SELECT 1 FROM jobs WHERE tenant_id = $1 AND id = $2 AND lease_epoch = $3"
    " AND status = 'running' FOR NO KEY UPDATE"};

inline constexpr Statement kHeld{
    "jobs.held",
    "SELECT 1 FROM jobs WHERE tenant_id = $1 AND id = $2 AND lease_epoch = $3"
    " AND status = 'running'"};

inline constexpr Statement kEnd{
    "jobs.end",
    "UPDATE jobs SET status = $4, dead_letter = $5, error_code = $6, error_reason = $7,"
    " error_message = $8, error_hint = $9, progress = CASE WHEN $4 = 'succeeded' THEN 1"
    " ELSE progress END, eta_ms = NULL, lease_worker_id = NULL, lease_boot_id = NULL,"
    " lease_until_boot_ms = NULL, updated_at_ms = $10, finished_at_ms = $10"
    " WHERE tenant_id = $1 AND id = $2 AND lease_epoch = $3 AND status = 'running'"};

inline constexpr Statement kRequeue{
    "jobs.requeue",
    "UPDATE jobs SET status = 'queued', run_at_ms = $4, rank_ms = $4 - priority * $11,"
    " attempts = $5, error_code = $6,"
    " error_reason = $7, error_message = $8, error_hint = $9, lease_worker_id = NULL,"
    " lease_boot_id = NULL, lease_until_boot_ms = NULL, updated_at_ms = $10, queued_at_ms = $10"
    " WHERE tenant_id = $1 AND id = $2 AND lease_epoch = $3 AND status = 'running'"};

// As if it had not been claimed: where it stood in the queue is its own.
inline constexpr Statement kRelease{
    "jobs.release",
    "UPDATE jobs SET status = 'queued', attempts = attempts - 1, lease_worker_id = NULL,"
    " lease_boot_id = NULL, lease_until_boot_ms = NULL, updated_at_ms = $4, queued_at_ms = $4"
    " WHERE tenant_id = $1 AND id = $2 AND lease_epoch = $3 AND status = 'running'"};

inline constexpr Statement kCancelQueued{
    "jobs.cancel_queued",
    "UPDATE jobs SET status = 'canceled', cancel_requested = 1, updated_at_ms = $3,"
    " finished_at_ms = $3 WHERE tenant_id = $1 AND id = $2 AND status = 'queued'"};

inline constexpr Statement kCancelRunning{
    "jobs.cancel_running",
    "UPDATE jobs SET cancel_requested = 1, updated_at_ms = $3"
    " WHERE tenant_id = $1 AND id = $2 AND status = 'running'"};

inline constexpr Statement kRedrive{
    "jobs.redrive",
    "UPDATE jobs SET status = 'queued', attempts = 0, kills = 0, cancel_requested = 0,"
    " dead_letter = 0, error_code = NULL, error_reason = NULL, error_message = NULL,"
    " error_hint = NULL, run_at_ms = $3, rank_ms = $3 - priority * $4, queued_at_ms = $3,"
    " updated_at_ms = $3, finished_at_ms = NULL WHERE tenant_id = $1 AND id = $2 AND status IN "
    "('failed', 'canceled')"};

inline constexpr Statement kStartRun{
    "job_runs.start",
    "INSERT INTO job_runs (id, tenant_id, job_id, attempt, lease_epoch, worker_id, status,"
    " started_at_ms) VALUES ($1, $2, $3, $4, $5, $6, 'running', $7)"};

inline constexpr Statement kEndRun{
    "job_runs.end",
    "UPDATE job_runs SET status = $4, error_code = $5, error_reason = $6, error_message = $7,"
    " error_hint = $8, finished_at_ms = $9"
    " WHERE tenant_id = $1 AND job_id = $2 AND lease_epoch = $3 AND status = 'running'"};

inline constexpr Statement kAppendEvent{
    "job_events.append",
    "INSERT INTO job_events (id, tenant_id, job_id, event_type, payload, created_at_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6)"};

inline constexpr Statement kAppendCheckpoint{
    "job_checkpoints.append",
    "INSERT INTO job_checkpoints (tenant_id, job_id, part, body) VALUES ($1, $2, $3, $4)"};

inline constexpr Statement kLoadCheckpoints{
    "job_checkpoints.load",
    "SELECT body FROM job_checkpoints WHERE tenant_id = $1 AND job_id = $2 ORDER BY part"};

inline constexpr Statement kDropCheckpoints{
    "job_checkpoints.drop", "DELETE FROM job_checkpoints WHERE tenant_id = $1 AND job_id = $2"};

inline constexpr Statement kSeeWorker{
    "workers.see",
    "INSERT INTO workers (id, process_id, boot_id, seen_boot_ms, started_at_ms)"
    " VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (id) DO UPDATE SET seen_boot_ms = excluded.seen_boot_ms",
    "INSERT INTO workers (id, process_id, boot_id, seen_boot_ms, started_at_ms)"
    " VALUES ($1, $2, $3, lease_clock_ms(), $5)"
    " ON CONFLICT (id) DO UPDATE SET seen_boot_ms = excluded.seen_boot_ms"};

inline constexpr Statement kForgetWorker{"workers.forget", "DELETE FROM workers WHERE id = $1"};

inline constexpr Statement kCountLiveWorkers{
    "workers.count_live",
    "SELECT COUNT(*) FROM workers WHERE boot_id = $1 AND seen_boot_ms >= $2 - $3",
    "SELECT COUNT(*) FROM workers WHERE seen_boot_ms >= lease_clock_ms() - $3"};

inline constexpr Statement kCountOpen{
    "jobs.count_open", "SELECT COUNT(*) FROM jobs WHERE status IN ('queued', 'running')"};

inline constexpr Statement kCountQueued{
    "jobs.count_queued",
    "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE status = 'queued' LIMIT $2) AS a),"
    " (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE tenant_id = $1 AND status = 'queued'"
    " LIMIT $3) AS t)"};

}  // namespace narralytica::jobs::statements
