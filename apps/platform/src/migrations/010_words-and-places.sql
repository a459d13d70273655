-- What items are found by: marks that stand for their words (docs/decisions/0011). There is no person's id in it, and no text: a mark is a
-- hash with the person in it, and nothing but the items, which are walled in, says what was found. An index of marks behind the wall
-- would never be used: Postgres asks it only for what cannot leak, which no comparison of arrays (or LIKE, or @@) promises.
CREATE TABLE words (
  storage_id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  -- Of the content that they were made of.
  hash text NOT NULL,
  marks integer[] NOT NULL,
  PRIMARY KEY (storage_id, key)
);
-- What waits to be sorted in is kept short: whoever adds to it last has to do that within a statement's time.
CREATE INDEX words_marks ON words USING gin (marks) WITH (gin_pending_list_limit = 256);

-- Where items say they are from, in degrees (WGS 84).
CREATE TABLE places (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  latitude double precision NOT NULL,
  longitude double precision NOT NULL,
  PRIMARY KEY (user_id, storage_id, key)
);
CREATE INDEX places_latitude ON places (user_id, latitude);
SELECT wall_in('places');

-- Whoever removes items need not think of it.
CREATE FUNCTION forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM words w USING removed r WHERE w.storage_id = r.storage_id AND w.key = r.key;
  DELETE FROM places p USING removed r WHERE p.user_id = r.user_id AND p.storage_id = r.storage_id AND p.key = r.key;
  RETURN NULL;
END
$$;
CREATE TRIGGER items_removed AFTER DELETE ON items REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION forget_words();

-- The version of which the words are in the index; when it is another than the page's, the page is read for them, not before `read_after`.
ALTER TABLE pages
  ADD COLUMN read_sha256 text,
  ADD COLUMN read_after timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN read_tries integer NOT NULL DEFAULT 0;
CREATE INDEX pages_unread ON pages (read_after) WHERE sha256 IS NOT NULL AND sha256 IS DISTINCT FROM read_sha256;
