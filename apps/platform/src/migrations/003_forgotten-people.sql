-- People whose accounts are closed, for a day and by a hash: whoever comes late with something to store for them is refused.
CREATE TABLE forgotten (
  person_hash bytea PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  -- What there was, by table: whoever asks again is told the same.
  counts jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX forgotten_at ON forgotten (at);
