-- What people's programs come with. The token itself is nowhere: whoever reads this cannot use it.
CREATE TABLE app_tokens (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  id uuid NOT NULL,
  token_hash bytea NOT NULL,
  name text NOT NULL,
  begins text NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  PRIMARY KEY (user_id, id),
  CONSTRAINT app_tokens_name UNIQUE (user_id, name)
);
CREATE UNIQUE INDEX app_tokens_hash ON app_tokens (token_hash);
SELECT wall_in('app_tokens');
