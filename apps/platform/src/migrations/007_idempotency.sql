-- What programs sent with an Idempotency-Key, for a day: how far it is, then what was answered. Its id is a hash of person, token, route
-- and key.
CREATE TABLE idempotency_keys (
  user_id uuid NOT NULL,
  id text NOT NULL,
  fingerprint text NOT NULL,
  -- Grows whenever somebody takes over from one who died.
  attempt integer NOT NULL DEFAULT 1,
  -- Null while it is being worked on.
  status integer,
  body text,
  held_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, id)
);
SELECT wall_in('idempotency_keys');
