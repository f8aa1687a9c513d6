DROP TABLE leases;
DROP TABLE changes;
DROP TABLE workers;
DROP TABLE job_checkpoints;
DROP TABLE job_events;
DROP TABLE job_runs;
DROP VIEW dead_letters;
DROP TABLE jobs;
