-- Our registration as an application with one server.
CREATE TABLE app_registrations (
  id uuid PRIMARY KEY,
  provider text NOT NULL,
  server text NOT NULL,
  redirect_uri text NOT NULL,
  client_id text NOT NULL,
  sealed_secret bytea,
  key_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- The server no longer knows it; connections made by it may still name it.
  retired_at timestamptz
);
CREATE UNIQUE INDEX app_registrations_current ON app_registrations (provider, server, redirect_uri) WHERE retired_at IS NULL;

CREATE TABLE connections (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('network', 'storage')),
  provider text NOT NULL,
  account_id text NOT NULL,
  handle text NOT NULL,
  title text NOT NULL,
  url text,
  server text,
  fields jsonb NOT NULL DEFAULT '{}',
  content_types text[],
  range_from timestamptz,
  range_to timestamptz,
  storage_id uuid REFERENCES connections ON DELETE SET NULL,
  registration_id uuid REFERENCES app_registrations ON DELETE SET NULL,
  -- Where tokens are refreshed and revoked, as found when it was connected.
  endpoints jsonb,
  state text NOT NULL CHECK (state IN ('active', 'paused', 'reconnect', 'full')),
  state_reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Disconnected. The row stays, so that fences go on growing and the same account connected again is the same connection.
  removed_at timestamptz
);
CREATE UNIQUE INDEX connections_account ON connections (user_id, provider, COALESCE(server, ''), account_id);
CREATE INDEX connections_storage ON connections (storage_id) WHERE storage_id IS NOT NULL;
CREATE INDEX connections_provider ON connections (provider) WHERE removed_at IS NULL;

CREATE TABLE credentials (
  connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  field text NOT NULL CHECK (field IN ('access_token', 'refresh_token')),
  sealed bytea NOT NULL,
  key_id text NOT NULL,
  expires_at timestamptz,
  -- Grows with every replacement: what was decided about an older token is not applied to a newer one.
  version integer NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connection_id, field)
);
CREATE INDEX credentials_key ON credentials (key_id);
CREATE INDEX credentials_user ON credentials (user_id);

-- A person was sent to an authorisation server and may come back.
CREATE TABLE oauth_transactions (
  state_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
  provider text NOT NULL,
  server text,
  fields jsonb NOT NULL DEFAULT '{}',
  endpoints jsonb NOT NULL,
  registration_id uuid REFERENCES app_registrations ON DELETE CASCADE,
  redirect_uri text NOT NULL,
  sealed_verifier bytea,
  key_id text NOT NULL,
  reconnects uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX oauth_transactions_user ON oauth_transactions (user_id, created_at);
CREATE INDEX oauth_transactions_session ON oauth_transactions (session_id);
CREATE INDEX oauth_transactions_expiry ON oauth_transactions (expires_at);
