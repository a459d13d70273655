-- Scopes that the person was asked for and did not allow: streams that need one of them are not pulled.
ALTER TABLE connections ADD COLUMN declined text[] NOT NULL DEFAULT '{}';

-- On an access token that ends and has no refresh token: when it is to be traded for a new one, where its provider does that. Half of
-- its life is left then, so that an outage of days loses nothing.
ALTER TABLE credentials ADD COLUMN renew_at timestamptz;
CREATE INDEX credentials_renew ON credentials (renew_at) WHERE renew_at IS NOT NULL;
