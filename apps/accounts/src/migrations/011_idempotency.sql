-- Requests that came with an Idempotency-Key, for a day. `name` is a hash of key, caller, person and route. What was asked for (as a
-- hash) and what was answered are sealed: both may hold secrets.
CREATE TABLE idempotency_keys (
  name bytea PRIMARY KEY,
  user_id uuid REFERENCES users ON DELETE CASCADE,
  -- Grows whenever somebody takes over from one who may have died; whoever comes with an older one keeps nothing.
  attempt integer NOT NULL DEFAULT 1,
  sealed bytea NOT NULL,
  key_id text NOT NULL,
  -- Null while it is being worked on.
  status integer,
  held_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours'
);
CREATE INDEX idempotency_keys_user ON idempotency_keys (user_id);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
