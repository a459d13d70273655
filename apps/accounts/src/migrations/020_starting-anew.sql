-- The sync that last began the stream from scratch: asked for again within that sync, what it has pulled since is not thrown away.
ALTER TABLE streams ADD COLUMN anew_in uuid;
