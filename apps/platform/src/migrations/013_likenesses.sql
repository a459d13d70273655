-- What items may be recognised by as copies of each other (docs/decisions/0012), made with their words. Hashes alone: no address, no text.
CREATE TABLE likenesses (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  -- `is`: an address of the item; `names`: one that it announces; `files`: all that it shows; `words`: some of its text.
  kind text NOT NULL,
  value bigint NOT NULL,
  -- Stands for its text, to tell how alike two are; null: it says too little.
  sketch integer[],
  PRIMARY KEY (user_id, storage_id, key, kind, value)
);
CREATE INDEX likenesses_value ON likenesses (user_id, value);
CREATE INDEX likenesses_key ON likenesses (user_id, key);
SELECT wall_in('likenesses');

-- What the person said is not the same, as decisions.json has it. `one` sorts before `other`.
CREATE TABLE kept_apart (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  one text COLLATE "C" NOT NULL,
  other text COLLATE "C" NOT NULL,
  PRIMARY KEY (user_id, storage_id, one, other)
);
CREATE INDEX kept_apart_other ON kept_apart (user_id, other);
SELECT wall_in('kept_apart');

CREATE OR REPLACE FUNCTION forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM words w USING removed r WHERE w.storage_id = r.storage_id AND w.key = r.key;
  DELETE FROM places p USING removed r WHERE p.user_id = r.user_id AND p.storage_id = r.storage_id AND p.key = r.key;
  DELETE FROM likenesses l USING removed r WHERE l.user_id = r.user_id AND l.storage_id = r.storage_id AND l.key = r.key;
  RETURN NULL;
END
$$;

-- All that is stored is looked at once more; what is found by words stays so meanwhile.
UPDATE words SET hash = '';
UPDATE pages SET read_sha256 = NULL;
