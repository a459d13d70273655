CREATE TABLE syncs (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  trigger text NOT NULL CHECK (trigger IN ('person', 'schedule', 'connect')),
  state text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE UNIQUE INDEX syncs_one_running ON syncs (user_id) WHERE state = 'running';
CREATE INDEX syncs_user ON syncs (user_id, created_at DESC);

CREATE TABLE streams (
  connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
  name text NOT NULL,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  -- The adapter's version of the mapping to items; 0 until first pulled.
  version integer NOT NULL DEFAULT 0,
  head text,
  available jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'queued', 'running', 'waiting', 'retrying', 'failed', 'cancelled')),
  reason text,
  until timestamptz,
  -- When a scheduled sync takes it; null while it has an unfinished job, is not wanted, or its connection does not work.
  next_due_at timestamptz,
  last_synced_at timestamptz,
  -- Syncs of it that failed in a row.
  failures integer NOT NULL DEFAULT 0,
  -- `retrying` in a row since a checkpoint.
  attempts integer NOT NULL DEFAULT 0,
  -- The current or else the last sync of it.
  sync_id uuid REFERENCES syncs ON DELETE SET NULL,
  PRIMARY KEY (connection_id, name)
);
CREATE INDEX streams_due ON streams (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX streams_user ON streams (user_id);

CREATE TABLE walks (
  connection_id uuid NOT NULL,
  stream text NOT NULL,
  id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('backfill', 'incremental', 'recheck')),
  range_from timestamptz,
  range_to timestamptz,
  cursor text,
  -- The last head that an incremental walk gave; the stream's once the walk is complete.
  pending_head text,
  position bigint GENERATED ALWAYS AS IDENTITY,
  -- The lease that moved it last.
  fence integer NOT NULL,
  PRIMARY KEY (connection_id, stream, id),
  FOREIGN KEY (connection_id, stream) REFERENCES streams ON DELETE CASCADE
);

-- One row per stream for ever: the fence never starts again.
CREATE TABLE leases (
  connection_id uuid NOT NULL,
  stream text NOT NULL,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  fence integer NOT NULL DEFAULT 0,
  holder text,
  sync_id uuid,
  -- Which run of the job it was taken for.
  run integer NOT NULL DEFAULT 0,
  expires_at timestamptz,
  PRIMARY KEY (connection_id, stream),
  FOREIGN KEY (connection_id, stream) REFERENCES streams ON DELETE CASCADE
);
CREATE INDEX leases_held ON leases (expires_at) WHERE holder IS NOT NULL;

CREATE TABLE sync_jobs (
  sync_id uuid NOT NULL REFERENCES syncs ON DELETE CASCADE,
  connection_id uuid NOT NULL,
  stream text NOT NULL,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'waiting', 'retrying', 'done', 'failed', 'cancelled')),
  reason text,
  -- Not before, for `waiting` and `retrying`.
  until timestamptz,
  -- Grows when the stream is asked for again within the same sync.
  run integer NOT NULL DEFAULT 1,
  is_planned boolean NOT NULL DEFAULT false,
  -- Leases taken since a checkpoint was saved or one was returned: a job that kills its worker each time is ended by it.
  takes integer NOT NULL DEFAULT 0,
  new_items integer NOT NULL DEFAULT 0,
  changed_items integer NOT NULL DEFAULT 0,
  unchanged_items integer NOT NULL DEFAULT 0,
  gone_items integer NOT NULL DEFAULT 0,
  skipped_items integer NOT NULL DEFAULT 0,
  skipped jsonb NOT NULL DEFAULT '[]',
  pages integer NOT NULL DEFAULT 0,
  -- When it is handed to the queue again if nobody holds it by then.
  enqueue_after timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  PRIMARY KEY (sync_id, connection_id, stream),
  FOREIGN KEY (connection_id, stream) REFERENCES streams ON DELETE CASCADE
);
CREATE UNIQUE INDEX sync_jobs_one_unfinished ON sync_jobs (connection_id, stream) WHERE finished_at IS NULL;
CREATE INDEX sync_jobs_unfinished ON sync_jobs (enqueue_after) WHERE finished_at IS NULL;

CREATE TABLE outbox (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('sync-finished', 'reconnect-needed', 'storage-full')),
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Free to be claimed from then on.
  claimable_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_claimable ON outbox (claimable_at);
