-- Since when it is known that the person reads mail to their address; null: not yet.
ALTER TABLE users ADD COLUMN email_verified_at timestamptz;

-- Mail to be sent; a row is gone when its mail is on its way. Recipient and values (with links that let in) are sealed.
-- The last mail to a person outlives them: then there is no user_id.
CREATE TABLE mails (
  id uuid PRIMARY KEY,
  user_id uuid REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL,
  sealed bytea NOT NULL,
  key_id text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  claimable_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mails_claimable ON mails (claimable_at);
CREATE INDEX mails_user ON mails (user_id);

-- What a link may do, once, by the hash of its token. `email`: the address that it was mailed to; null where the operator hands it over.
CREATE TABLE mail_tokens (
  token_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  purpose text NOT NULL CHECK (purpose IN ('verify-email', 'reset-password')),
  email text,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mail_tokens_user ON mail_tokens (user_id, purpose);
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);
