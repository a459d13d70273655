-- How the owner of the server wants a network to be copied from; one that has no row goes freely. It is nobody's own.
CREATE TABLE network_controls (
  network text PRIMARY KEY,
  is_paused boolean NOT NULL,
  -- So many jobs begin in a minute, at most; null: as many as there are hands.
  jobs_per_minute integer CHECK (jobs_per_minute > 0)
);
