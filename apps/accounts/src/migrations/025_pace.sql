-- Minutes between two syncs that a connection gets by itself, as the person wants it; null: as often as it has something new.
ALTER TABLE connections ADD COLUMN sync_every_minutes integer CHECK (sync_every_minutes BETWEEN 5 AND 1440);

ALTER TABLE streams
  -- Milliseconds between two new items, smoothed, and when there was something new last (`streams/pace.ts`).
  ADD COLUMN gap_ms float8,
  ADD COLUMN news_at timestamptz,
  -- The network has said since the last sync began that there is something new.
  ADD COLUMN hinted_at timestamptz,
  -- Since when nothing of it has come through.
  ADD COLUMN failing_since timestamptz;

-- What earlier runs within the same sync had brought.
ALTER TABLE sync_jobs ADD COLUMN earlier_news integer NOT NULL DEFAULT 0;
