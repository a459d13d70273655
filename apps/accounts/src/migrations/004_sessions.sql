-- The mirror of sessions in Redis is of an epoch: what Redis holds of an older one is not believed. A new one begins whenever
-- Redis was started again, restored or wiped.
CREATE TABLE session_mirror (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  epoch integer NOT NULL,
  redis_run text NOT NULL
);
INSERT INTO session_mirror (epoch, redis_run) VALUES (1, '');

-- The epoch that it was mirrored in; 0 until it is.
ALTER TABLE sessions ADD COLUMN mirrored_in integer NOT NULL DEFAULT 0;
CREATE INDEX sessions_mirrored ON sessions (mirrored_in);

-- Sessions that are no more, until Redis has confirmed that it knows. Its person may be gone as well.
CREATE TABLE ended_sessions (
  token_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL,
  expires_at timestamptz NOT NULL
);

-- Whoever deletes a session, be it by deleting its person, ends it in Redis too.
CREATE FUNCTION note_ended_session() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF old.expires_at > now() THEN
    INSERT INTO ended_sessions (token_hash, user_id, expires_at) VALUES (old.token_hash, old.user_id, old.expires_at)
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER sessions_ended AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION note_ended_session();

-- From where people have signed in with what (browser and system, network), also after that session ended.
CREATE TABLE known_devices (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  device text NOT NULL,
  network text NOT NULL,
  last_used_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, device, network)
);
CREATE INDEX known_devices_use ON known_devices (last_used_at);
