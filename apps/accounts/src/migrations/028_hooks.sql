-- What a network sends by itself names accounts of its own.
CREATE INDEX connections_at_network ON connections (provider, account_id) WHERE removed_at IS NULL;
DROP INDEX connections_provider;
