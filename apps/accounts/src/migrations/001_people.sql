CREATE TABLE users (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  email text,
  role text NOT NULL CHECK (role IN ('owner', 'member')),
  locale text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email ON users (email);
CREATE UNIQUE INDEX users_one_owner ON users (role) WHERE role = 'owner';

-- How a person may sign in: `local` by e-mail address, else the person's id at a provider.
CREATE TABLE identities (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  provider text NOT NULL,
  provider_user_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT identities_provider_user UNIQUE (provider, provider_user_id)
);
CREATE INDEX identities_user ON identities (user_id);

CREATE TABLE passwords (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  hash text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- `token_hash` is SHA-256: who reads this table cannot sign in by it.
CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  token_hash bytea NOT NULL,
  user_agent text NOT NULL,
  address text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  idle_expires_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Attempts in a window, by the hash of what is counted (an e-mail with an address, an address).
CREATE TABLE throttles (
  key bytea PRIMARY KEY,
  attempts integer NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX throttles_end ON throttles (ends_at);

-- One known value per sealing key, so that a wrong key is found at start and not at the first broken token.
CREATE TABLE key_checks (
  key_id text PRIMARY KEY,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
