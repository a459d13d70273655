-- Looking through all that lies in a storage, by its hash: the one under way, or the last. It goes on from `after`, whoever dies.
CREATE TABLE verifications (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
  reason text,
  -- The person says that the folder with all copies is gone for good.
  is_folder_gone boolean NOT NULL,
  step text NOT NULL CHECK (step IN ('folders', 'pages', 'media', 'showing')),
  -- The last path of this step that was looked at.
  after text COLLATE "C" NOT NULL DEFAULT '',
  pages integer NOT NULL DEFAULT 0,
  files integer NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  held_until timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, storage_id)
);
CREATE INDEX verifications_running ON verifications (held_until) WHERE state = 'running';
SELECT wall_in('verifications');

-- When its bytes in the storage were last seen to be what they should; null: not since it was written.
ALTER TABLE pages ADD COLUMN verified_at timestamptz;
ALTER TABLE media
  ADD COLUMN verified_at timestamptz,
  ADD COLUMN flaw text CHECK (flaw IN ('missing', 'damaged')),
  -- Items that show it, where it has a flaw.
  ADD COLUMN shown_by text[];
CREATE INDEX media_flaw ON media (user_id, storage_id) WHERE flaw IS NOT NULL;
