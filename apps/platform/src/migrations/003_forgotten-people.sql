-- People whose accounts are closed, for a day and by a hash: whoever comes late with something to store for them is refused.
CREATE TABLE forgotten (
  person_hash bytea PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX forgotten_at ON forgotten (at);
