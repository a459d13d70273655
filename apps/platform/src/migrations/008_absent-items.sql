-- Items that were stored and are not in their page file any more, and nobody but a person can have done that, or damage.
CREATE TABLE absent_items (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  network text NOT NULL,
  account_id text NOT NULL,
  connection_id uuid NOT NULL,
  stream text NOT NULL,
  content_type text NOT NULL,
  at timestamptz,
  path text NOT NULL,
  -- `taken-out` of a file that is there: the person's decision, it is not stored again. `page-deleted` with its file: the person is told, and may
  -- want it back. `damaged`: the file could not be read, and whoever delivers it again stores it again.
  cause text NOT NULL CHECK (cause IN ('taken-out', 'page-deleted', 'damaged')),
  -- It was marked as deleted on its network: nobody can deliver it again.
  was_gone boolean NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  -- The person wants it back: whoever delivers it stores it.
  is_wanted boolean NOT NULL DEFAULT false,
  -- What decisions.json has yet to be told.
  note text CHECK (note IN ('to-add', 'to-remove')),
  PRIMARY KEY (user_id, storage_id, key)
);
CREATE INDEX absent_items_note ON absent_items (user_id, storage_id) WHERE note IS NOT NULL;
SELECT wall_in('absent_items');
