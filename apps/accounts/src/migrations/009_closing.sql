-- Since when the person's account is being closed: nobody signs in to it any more, and nothing starts for it.
ALTER TABLE users ADD COLUMN closing_at timestamptz;

-- One row per account that is or was closed. The last step takes the person away, and with them `user_id`; 30 days later the
-- link to the report dies and takes the report with it. What stays, the tombstone, tells that an account was closed, and when.
CREATE TABLE closings (
  id uuid PRIMARY KEY,
  user_id uuid UNIQUE REFERENCES users ON DELETE SET NULL,
  -- Of the secret in the link to the report.
  token_hash bytea UNIQUE,
  step text NOT NULL DEFAULT 'stop' CHECK (step IN ('stop', 'forget', 'revoke', 'delete', 'done')),
  -- Whether the files on this server's own disk go as well.
  removes_files boolean NOT NULL,
  -- Attempts at the present step.
  attempts integer NOT NULL DEFAULT 0,
  claimable_at timestamptz NOT NULL DEFAULT now(),
  -- Names no person: providers and servers, what was done, counts.
  report jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE INDEX closings_claimable ON closings (claimable_at) WHERE finished_at IS NULL;
CREATE INDEX closings_finished ON closings (finished_at) WHERE token_hash IS NOT NULL;

ALTER TABLE outbox
  DROP CONSTRAINT outbox_kind_check,
  ADD CONSTRAINT outbox_kind_check CHECK (kind IN ('sync-finished', 'reconnect-needed', 'storage-full', 'stop-work', 'forget-person'));
