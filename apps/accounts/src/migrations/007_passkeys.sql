-- What a person signs in with instead of a password: the public half of a key that their device or password manager keeps.
CREATE TABLE passkeys (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  id uuid NOT NULL,
  credential_id bytea NOT NULL,
  -- COSE.
  public_key bytea NOT NULL,
  -- Of signatures, as the authenticator last said; 0 where it does not count.
  counter bigint NOT NULL,
  transports text[] NOT NULL,
  device_type text NOT NULL CHECK (device_type IN ('single-device', 'multi-device')),
  is_backed_up boolean NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  PRIMARY KEY (user_id, id)
);
CREATE UNIQUE INDEX passkeys_credential ON passkeys (credential_id);

-- What an authenticator was asked to sign: once, by the session that adds a passkey, or by the visitor who signs in.
CREATE TABLE passkey_challenges (
  challenge_hash bytea PRIMARY KEY,
  user_id uuid REFERENCES users ON DELETE CASCADE,
  session_id uuid REFERENCES sessions ON DELETE CASCADE,
  visitor_hash bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  CONSTRAINT passkey_challenges_bound CHECK (
    (user_id IS NOT NULL AND session_id IS NOT NULL AND visitor_hash IS NULL)
    OR (user_id IS NULL AND session_id IS NULL AND visitor_hash IS NOT NULL)
  )
);
CREATE INDEX passkey_challenges_user ON passkey_challenges (user_id, created_at) WHERE user_id IS NOT NULL;
CREATE INDEX passkey_challenges_session ON passkey_challenges (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX passkey_challenges_visitor ON passkey_challenges (visitor_hash, created_at) WHERE visitor_hash IS NOT NULL;
CREATE INDEX passkey_challenges_expiry ON passkey_challenges (expires_at);
