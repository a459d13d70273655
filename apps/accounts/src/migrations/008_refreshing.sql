-- On the access token: which process asks the provider for new tokens. It is written before the call, so that whoever finds the
-- row free, but this here, knows that the refresh token may be used up, and leaves that process time to store what came.
ALTER TABLE credentials ADD COLUMN refreshing uuid;
