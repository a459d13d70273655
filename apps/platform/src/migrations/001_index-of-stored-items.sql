-- The index of what lies in people's storages. It is never the only copy of anything: all of it can be made again from the
-- storages. Every key begins with the person, so that tables can be partitioned by person.

-- The youngest fence seen of each stream; whoever writes with an older one is refused.
CREATE TABLE fences (
  user_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  stream text NOT NULL,
  fence bigint NOT NULL,
  PRIMARY KEY (user_id, connection_id, stream)
);

-- The folder of each account of a network, chosen when it is first seen; it stays when the handle changes.
CREATE TABLE accounts (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  network text NOT NULL,
  account_id text NOT NULL,
  folder text NOT NULL,
  handle text NOT NULL,
  title text NOT NULL,
  url text,
  PRIMARY KEY (user_id, storage_id, network, account_id),
  CONSTRAINT accounts_folder UNIQUE (user_id, storage_id, network, folder)
);

-- One row per month of a content type: whoever holds it may write the month's page files.
CREATE TABLE months (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  path text NOT NULL,
  holder uuid NOT NULL,
  held_until timestamptz NOT NULL,
  PRIMARY KEY (user_id, storage_id, path)
);

-- Page files. While is_written is false, a write has begun that nobody saw end: the file is read again before it is believed.
CREATE TABLE pages (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  path text NOT NULL,
  month text NOT NULL,
  part integer NOT NULL,
  revision text,
  sha256 text,
  bytes bigint NOT NULL DEFAULT 0,
  items integer NOT NULL DEFAULT 0,
  is_written boolean NOT NULL DEFAULT false,
  PRIMARY KEY (user_id, storage_id, path)
);
CREATE INDEX pages_month ON pages (user_id, storage_id, month);

-- Ids are compared as bytes (the ranges that networks cover are in that order).
CREATE TABLE items (
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
  sorted_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(at, '-infinity'::timestamptz)) STORED,
  arrived bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  updated_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  gone_at timestamptz,
  hash text NOT NULL,
  path text NOT NULL,
  PRIMARY KEY (user_id, storage_id, key)
);
CREATE INDEX items_newest ON items (user_id, sorted_at DESC, arrived DESC);
CREATE INDEX items_newest_of_type ON items (user_id, content_type, sorted_at DESC, arrived DESC);
CREATE INDEX items_newest_of_network ON items (user_id, network, sorted_at DESC, arrived DESC);
CREATE INDEX items_of_stream ON items (user_id, connection_id, stream, id);
CREATE INDEX items_of_page ON items (user_id, storage_id, path);

-- Files by content. The path is settled before the first upload, so that two who bring the same file bring it to one place.
CREATE TABLE media (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  sha256 text NOT NULL,
  path text NOT NULL,
  bytes bigint NOT NULL,
  media_type text NOT NULL,
  is_stored boolean NOT NULL DEFAULT false,
  PRIMARY KEY (user_id, storage_id, sha256)
);
CREATE INDEX media_path ON media (user_id, path);

-- Where on its network a file came from. Addresses can be long: their hash is the key.
CREATE TABLE media_sources (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  url_hash text NOT NULL,
  url text NOT NULL,
  sha256 text NOT NULL,
  PRIMARY KEY (user_id, storage_id, url_hash)
);

-- What is written once per sync (README.txt, manifest, profiles), to write it only when it changes.
CREATE TABLE documents (
  user_id uuid NOT NULL,
  storage_id uuid NOT NULL,
  path text NOT NULL,
  sha256 text NOT NULL,
  revision text NOT NULL,
  PRIMARY KEY (user_id, storage_id, path)
);
