-- Content types of which the copies are being removed: nothing of a stream that brings one is pulled until they are.
ALTER TABLE connections ADD COLUMN clearing text[] NOT NULL DEFAULT '{}';
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check,
  ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('sync-finished', 'reconnect-needed', 'storage-full', 'stop-work', 'forget-person', 'remove-copies'));
