-- What is known of a stored picture by looking at it, and when it is to be looked at next; null: it has been. A fresh one is taken up at
-- once by the process that has its bytes at hand, before it is due. Of no other file does any of this mean anything.
ALTER TABLE media
  ADD COLUMN rendering_due_at timestamptz DEFAULT now() + interval '2 minutes',
  ADD COLUMN rendering_tries int NOT NULL DEFAULT 0,
  -- Why there will be no renditions.
  ADD COLUMN rendering_error text,
  -- Of the picture held upright.
  ADD COLUMN width int,
  ADD COLUMN height int,
  ADD COLUMN thumbhash text,
  -- What a square is cut around, as shares of width and height: found by looking, unless the person chose it.
  ADD COLUMN focus_x real,
  ADD COLUMN focus_y real,
  ADD COLUMN is_focus_chosen boolean NOT NULL DEFAULT false;
CREATE INDEX media_rendering_due ON media (user_id, rendering_due_at)
  WHERE rendering_due_at IS NOT NULL AND is_stored AND media_type LIKE 'image/%';

-- Smaller copies of pictures: a cache of bounded size (docs/decisions/0010). All of it can be made again, so that it need not outlive a crash.
CREATE UNLOGGED TABLE renditions (
  user_id uuid NOT NULL,
  sha256 text NOT NULL,
  size text NOT NULL,
  data bytea NOT NULL,
  bytes int NOT NULL,
  used_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, sha256, size)
);
-- WebP does not get smaller.
ALTER TABLE renditions ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX renditions_used ON renditions (used_at) INCLUDE (bytes);
SELECT wall_in('renditions');
