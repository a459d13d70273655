-- An index that is being made anew from its storage, and which pages were looked at for it: whoever goes on leaves those out.
CREATE TABLE reindexings (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  run uuid NOT NULL DEFAULT gen_random_uuid(),
  since timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, storage_id)
);
SELECT wall_in('reindexings');
ALTER TABLE pages ADD COLUMN reindexed_by uuid;
