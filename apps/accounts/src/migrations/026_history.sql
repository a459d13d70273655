-- For each sync that is deleted Postgres would look through all streams. The one that a stream names is never deleted (`history/clear-history.ts`).
ALTER TABLE streams DROP CONSTRAINT streams_sync_id_fkey;
