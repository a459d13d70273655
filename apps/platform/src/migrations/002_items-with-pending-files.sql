-- Items of which a file could not be had, and when that is tried again: most networks deliver an unchanged item only once.
CREATE TABLE pending_items (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  key text NOT NULL,
  connection_id uuid NOT NULL,
  stream text NOT NULL,
  tries int NOT NULL DEFAULT 1,
  next_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, storage_id, key)
);
CREATE INDEX pending_items_due ON pending_items (user_id, storage_id, connection_id, stream, next_at);
