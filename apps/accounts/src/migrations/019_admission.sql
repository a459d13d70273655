-- Not on the queue: of one person's jobs for a network only a few are at a time, and what waits for long is on none. It comes back by itself.
ALTER TABLE sync_jobs ADD COLUMN parked_at timestamptz;
CREATE INDEX sync_jobs_parked ON sync_jobs (user_id) WHERE finished_at IS NULL AND parked_at IS NOT NULL;
CREATE INDEX sync_jobs_queued ON sync_jobs (user_id) WHERE finished_at IS NULL AND parked_at IS NULL;
