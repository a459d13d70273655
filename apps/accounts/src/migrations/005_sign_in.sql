-- Of a storage that many servers offer, an account is one only together with its server: another server may say the same id.
ALTER TABLE identities
  ADD COLUMN server text,
  -- As the provider calls the account, for the person to recognise; null for `local`.
  ADD COLUMN handle text,
  ADD COLUMN last_used_at timestamptz,
  DROP CONSTRAINT identities_provider_user;
CREATE UNIQUE INDEX identities_provider_user ON identities (provider, COALESCE(server, ''), provider_user_id);

-- Two people in one folder would overwrite each other: a storage account is one person's.
CREATE UNIQUE INDEX connections_storage_account ON connections (provider, COALESCE(server, ''), account_id)
  WHERE kind = 'storage' AND removed_at IS NULL;
CREATE INDEX connections_anyones_account ON connections (provider, account_id) WHERE removed_at IS NULL;

-- A browser that is signed in as nobody yet is known by its visitor cookie.
ALTER TABLE oauth_transactions
  ADD COLUMN purpose text NOT NULL DEFAULT 'connect' CHECK (purpose IN ('connect', 'identity', 'sign-in')),
  ADD COLUMN visitor_hash bytea,
  -- The storage that the items of the network are to go to; null: as before, else the first.
  ADD COLUMN storage_id uuid,
  ADD COLUMN return_to text,
  ALTER COLUMN user_id DROP NOT NULL,
  ALTER COLUMN session_id DROP NOT NULL,
  ADD CONSTRAINT oauth_transactions_owner CHECK (
    CASE purpose
      WHEN 'sign-in' THEN visitor_hash IS NOT NULL AND user_id IS NULL AND session_id IS NULL
      ELSE visitor_hash IS NULL AND user_id IS NOT NULL AND session_id IS NOT NULL
    END
  );
CREATE INDEX oauth_transactions_visitor ON oauth_transactions (visitor_hash, created_at) WHERE visitor_hash IS NOT NULL;

-- An account that was verified while another was to be reconnected: for ten minutes it can be connected as one more. It
-- outlives its session, so that its tokens are given back.
CREATE TABLE parked_accounts (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  session_id uuid NOT NULL,
  provider text NOT NULL,
  server text,
  fields jsonb NOT NULL,
  account jsonb NOT NULL,
  registration_id uuid REFERENCES app_registrations ON DELETE SET NULL,
  endpoints jsonb,
  storage_id uuid,
  -- The tokens as JSON; null where the account needs none.
  sealed bytea,
  key_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX parked_accounts_user ON parked_accounts (user_id, session_id, provider);
CREATE INDEX parked_accounts_expiry ON parked_accounts (expires_at);
